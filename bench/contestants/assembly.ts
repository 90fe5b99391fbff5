import { join } from 'node:path';
import { type Compute, defaultStage } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

const directory = join(import.meta.dirname, '../../build/bench');

/**
 * Synthesizes the app as it is deployed, once for each kind of environment.
 * @param compute how the functions behind the API run.
 * @returns the directory of the cloud assembly.
 */
export const synthesizeOnce = (compute: Compute): Promise<string> => {
  const outdir = join(directory, compute);
  const assembly =
    synthesized.get(compute) ?? synthesize({ stage: defaultStage, outdir, settings: { compute } });
  synthesized.set(compute, assembly);
  return assembly;
};

const synthesized = new Map<Compute, Promise<string>>();
