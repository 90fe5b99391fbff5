import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../infra/bundle.ts';
import { entryOf, functionNames } from '../infra/constructs/catalogue.ts';

/** The bytes that a package takes in the largest bundle that has it, minified. */
export interface Weight {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Bundles all functions as they are deployed, and weighs the packages in them, the heaviest first.
 * The ledger's own code is `holdfast`.
 */
export const weights = async (): Promise<readonly Weight[]> => {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-weights-'));
  try {
    const { outputs } = await bundle(
      Object.fromEntries(functionNames.map((name) => [name, entryOf(name)])),
      outdir,
    );
    const heaviest = new Map<string, number>();
    for (const { inputs } of Object.values(outputs)) {
      const own = new Map<string, number>();
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const name = packageOf(path);
        own.set(name, (own.get(name) ?? 0) + bytesInOutput);
      }
      for (const [name, bytes] of own) heaviest.set(name, Math.max(bytes, heaviest.get(name) ?? 0));
    }
    return [...heaviest]
      .map(([name, bytes]) => ({ name, bytes }))
      .toSorted((a, b) => b.bytes - a.bytes);
  } finally {
    rmSync(outdir, { recursive: true });
  }
};

/** The package that a file is of. */
const packageOf = (path: string): string =>
  /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'holdfast';
