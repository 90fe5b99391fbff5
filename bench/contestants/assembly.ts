import { join } from 'node:path';
import { type Compute, defaultStage, settingsOf, type Transfers } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

const directory = join(import.meta.dirname, '../../build/bench');

/**
 * Synthesizes the app as it is deployed, once for each kind of environment and way of transfers.
 * @param compute how the functions behind the API run.
 * @param transfers how transfers are carried out; absent: as the stage has it.
 * @returns the directory of the cloud assembly.
 */
export const synthesizeOnce = (
  compute: Compute,
  transfers: Transfers = settingsOf(defaultStage).transfers,
): Promise<string> => {
  const name = `${compute}-${transfers}`;
  const settings = { compute, transfers };
  const assembly =
    synthesized.get(name) ??
    synthesize({ stage: defaultStage, outdir: join(directory, name), settings });
  synthesized.set(name, assembly);
  return assembly;
};

const synthesized = new Map<string, Promise<string>>();
