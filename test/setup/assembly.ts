import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { parseCompute } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The synthesized app, whose template every local cloud of the run executes. */
    assembly: string;
  }
}

/**
 * Synthesizes the app once for all end-to-end tests: as the stage is set, or with the kind of
 * environments that `HOLDFAST_COMPUTE` names.
 */
export default async (project: TestProject): Promise<void> => {
  const outdir = join(project.config.root, 'build', 'e2e');
  const compute = process.env['HOLDFAST_COMPUTE'];
  const settings = compute === undefined ? {} : { compute: parseCompute(compute) };
  project.provide('assembly', await synthesize({ stage: 'dev', outdir, settings }));
};
