import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { defaultStage } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';

const directory = join(import.meta.dirname, '../../build/bench');

/** The cloud assemblies that are compared: as it is deployed, and with commands that race instead of queueing. */
export interface Assemblies {
  readonly queueing: string;
  readonly racing: string;
}

/** Synthesizes the app, once, and makes the second assembly out of the first. */
export const synthesizeBoth = (): Promise<Assemblies> => {
  synthesized ??= synthesizeNow();
  return synthesized;
};

let synthesized: Promise<Assemblies> | undefined;

const synthesizeNow = async (): Promise<Assemblies> => {
  const queueing = await synthesize({ stage: defaultStage, outdir: join(directory, 'queueing') });
  const racing = join(directory, 'racing');
  await rm(racing, { recursive: true, force: true });
  await cp(queueing, racing, { recursive: true });
  const file = join(racing, `Holdfast-${defaultStage}.template.json`);
  const template = Template.parse(JSON.parse(await readFile(file, 'utf8')));
  let changed = 0;
  for (const { Properties } of Object.values(template.Resources)) {
    const variables = WithVariables.safeParse(Properties).data?.Environment.Variables;
    if (variables?.['HOT_ACCOUNTS'] === undefined) continue;
    variables['HOT_ACCOUNTS'] = 'race';
    changed += 1;
  }
  if (changed === 0) throw new Error('no function of the template is told what to do about hot accounts');
  await writeFile(file, JSON.stringify(template));
  return { queueing, racing };
};

const WithVariables = z.looseObject({
  Environment: z.looseObject({ Variables: z.record(z.string(), z.unknown()) }),
});

const Template = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Properties: z.optional(z.unknown()) })),
});
