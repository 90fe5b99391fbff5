import * as z from 'zod/mini';

/**
 * Reads what a Lambda was invoked with.
 * @param schema what it must be.
 * @param input what came.
 * @throws {Error} which names the fields that are wrong: the caller of the function made a mistake.
 */
export const readInput = <Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> => {
  const result = schema.safeParse(input);
  if (!result.success)
    throw new Error(`not an input of this function: ${z.prettifyError(result.error)}`);
  return result.data;
};
