import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import {
  defaultStage,
  parseCompute,
  parseTransfers,
  settingsOf,
  type Transfers,
} from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The synthesized app, whose template the local clouds of the run execute. */
    assembly: string;
    /** The same, where no transfer goes the short way. */
    longAssembly: string;
    /** How transfers are carried out in the run, and where none goes the short way. */
    transfers: Transfers;
    longTransfers: Exclude<Transfers, 'adaptive'>;
  }
}

/** Where the tests of the roles leave what the end of the run says of them. */
export const reportPath = join(import.meta.dirname, '../../build/grants.txt');

/**
 * Synthesizes the app once for all end-to-end tests: as the stage is set, or with the settings that
 * `HOLDFAST_COMPUTE` and `HOLDFAST_TRANSFERS` name.
 * @returns what says at the end which grants no test has used.
 */
export default async (project: TestProject): Promise<() => void> => {
  rmSync(reportPath, { force: true });
  // As vitest.config.ts says to the tests themselves.
  process.env['CDK_VALIDATION'] = 'false';
  const outdir = (name: string) => join(project.config.root, 'build', name);
  const stage = defaultStage;
  const chosen = process.env['HOLDFAST_COMPUTE'];
  const compute = chosen === undefined ? settingsOf(stage).compute : parseCompute(chosen);
  const way = process.env['HOLDFAST_TRANSFERS'];
  const transfers = way === undefined ? settingsOf(stage).transfers : parseTransfers(way);
  const longTransfers = transfers === 'adaptive' ? 'stream' : transfers;
  const assembly = await synthesize({
    stage,
    outdir: outdir('e2e'),
    settings: { compute, transfers },
  });
  project.provide('transfers', transfers);
  project.provide('longTransfers', longTransfers);
  project.provide('assembly', assembly);
  project.provide(
    'longAssembly',
    transfers === longTransfers
      ? assembly
      : await synthesize({
          stage,
          outdir: outdir('e2e-long'),
          settings: { compute, transfers: longTransfers },
        }),
  );
  return () => {
    if (existsSync(reportPath)) console.log(readFileSync(reportPath, 'utf8'));
  };
};
