/**
 * What the random cases are drawn from: `HOLDFAST_SEED`, or always the same. A test that uses it
 * says it in its name.
 */
export const seed = Number(process.env['HOLDFAST_SEED'] ?? 20_261_126);
