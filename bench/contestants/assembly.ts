import { join } from 'node:path';
import { defaultStage } from '../../infra/stages.ts';
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

/** Synthesizes the app both ways, once. */
export const synthesizeBoth = (): Promise<Assemblies> => {
  synthesized ??= synthesizeNow();
  return synthesized;
};

let synthesized: Promise<Assemblies> | undefined;

const synthesizeNow = async (): Promise<Assemblies> => {
  const queueing = await synthesize({ stage: defaultStage, outdir: join(directory, 'queueing') });
  const racing = await synthesize({
    stage: defaultStage,
    outdir: join(directory, 'racing'),
    settings: { hotAccounts: 'race' },
  });
  return { queueing, racing };
};
