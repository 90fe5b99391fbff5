import { join } from 'node:path';
import { type Compute, defaultStage } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

const directory = join(import.meta.dirname, '../../build/bench');

/**
 * The cloud assemblies that are compared: as it is deployed, and with commands that race instead of
 * queueing.
 */
export interface Assemblies {
  readonly queueing: string;
  readonly racing: string;
}

/**
 * Synthesizes the app both ways, once for each kind of environment.
 * @param compute how the functions behind the API run.
 */
export const synthesizeBoth = (compute: Compute): Promise<Assemblies> => {
  const assemblies = synthesized.get(compute) ?? synthesizeNow(compute);
  synthesized.set(compute, assemblies);
  return assemblies;
};

const synthesized = new Map<Compute, Promise<Assemblies>>();

const synthesizeNow = async (compute: Compute): Promise<Assemblies> => {
  const queueing = await synthesize({
    stage: defaultStage,
    outdir: join(directory, compute, 'queueing'),
    settings: { compute },
  });
  const racing = await synthesize({
    stage: defaultStage,
    outdir: join(directory, compute, 'racing'),
    settings: { compute, hotAccounts: 'race' },
  });
  return { queueing, racing };
};
