import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

/** A stack as CDK leaves it on disk: its template, and the directories of its files. */
export interface StackAssembly {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  readonly template: Readonly<Record<string, unknown>>;
  /** @returns the directory that would be zipped and uploaded under this key, if there is one. */
  assetDirectory(objectKey: string): string | undefined;
}

/** The region and the account for a stack that does not name its own. */
const unknownRegion = 'us-east-1';
const unknownAccount = '000000000000';

/**
 * Reads the cloud assembly that `infra/synth.ts` wrote.
 *
 * @throws if it does not hold exactly one stack.
 */
export const readAssembly = (directory: string): StackAssembly => {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const { artifacts: byId } = manifestShape.parse(read('manifest.json'));
  const artifacts = Object.entries(byId).map(([id, artifact]) => ({ ...artifact, id }));
  const stacks = artifacts
    .filter((artifact) => artifact.type === 'aws:cloudformation:stack')
    .map((artifact) => stackShape.parse(artifact));
  const [stack] = stacks;
  if (!stack || stacks.length > 1)
    throw new Error(`${directory} holds ${stacks.length} stacks, not one`);

  const assets = artifacts
    .filter((artifact) => artifact.type === 'cdk:asset-manifest')
    .flatMap((artifact) =>
      Object.values(
        assetsShape.parse(read(assetManifestShape.parse(artifact).properties.file)).files,
      ),
    );

  const [account = '', region = ''] = stack.environment.replace('aws://', '').split('/');
  return {
    stackName: stack.properties.stackName ?? stack.id,
    region: region.startsWith('unknown') ? unknownRegion : region,
    accountId: account.startsWith('unknown') ? unknownAccount : account,
    template: templateShape.parse(read(stack.properties.templateFile)),
    assetDirectory: (objectKey) => {
      const asset = assets.find(
        ({ source, destinations }) =>
          source.packaging === 'zip' &&
          Object.values(destinations).some((to) => to.objectKey === objectKey),
      );
      return asset && join(directory, asset.source.path);
    },
  };
};

const manifestShape = z.object({
  artifacts: z.record(z.string(), z.looseObject({ type: z.string() })),
});

const stackShape = z.object({
  id: z.string(),
  environment: z.string(),
  properties: z.object({ templateFile: z.string(), stackName: z.optional(z.string()) }),
});

const assetManifestShape = z.object({ properties: z.object({ file: z.string() }) });

const assetsShape = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string(), packaging: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

const templateShape = z.record(z.string(), z.unknown());
