import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { synthesize } from '../../infra/synth.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The synthesized app, whose template every local cloud of the run executes. */
    assembly: string;
  }
}

/** Synthesizes the app once for all end-to-end tests. */
export default async (project: TestProject): Promise<void> => {
  const outdir = join(project.config.root, 'build', 'e2e');
  project.provide('assembly', await synthesize({ stage: 'dev', outdir }));
};
