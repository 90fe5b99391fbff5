import { join } from 'node:path';
import { App, DefaultStackSynthesizer, type IStackSynthesizer, Validations } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { bundle, bundleDirectory } from './bundle.ts';
import { entryOf, type FunctionName } from './constructs/catalogue.ts';
import { runsOnInstances } from './constructs/instances.ts';
import { functionsOf } from './constructs/transfer-ways.ts';
import { HoldfastStack } from './holdfast-stack.ts';
import { parseStage, type StageName, type StageSettings, settingsOf } from './stages.ts';

/**
 * Bundles the functions and synthesizes the stack of a stage. It works offline: it looks nothing
 * up, and the template holds for any account and region.
 * @param stage its name.
 * @param outdir where the cloud assembly goes.
 * @param settings replace the stage's own: for measuring one way against the other.
 * @returns the directory of the cloud assembly.
 * @throws where the stage is unknown, a function cannot be bundled, or the stack breaks a rule of cdk-nag without acknowledging it.
 */
export const synthesize = async ({ stage, ...props }: SynthesisProps): Promise<string> => {
  const known = parseStage(stage);
  const settings = { ...settingsOf(known), ...props.settings };
  const { onDemand = [], onInstances = [] } = Object.groupBy(functionsOf(settings), (name) =>
    runsOnInstances(name, settings.compute) ? 'onInstances' : 'onDemand',
  );
  await bundle(entriesOf(onDemand));
  if (onInstances.length > 0) await bundle(entriesOf(onInstances), bundleDirectory, true);
  const { app } = createApp({
    ...props,
    stage: known,
    code: (name) => Code.fromAsset(join(bundleDirectory, name)),
  });
  return app.synth().directory;
};

const entriesOf = (names: readonly FunctionName[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, entryOf(name)]));

type SynthesisProps = Pick<AppProps, 'settings'> & {
  readonly stage: string;
  readonly outdir: string;
};

/** What the app is made from. */
export interface AppProps {
  readonly stage: StageName;
  /** Replace the stage's own. */
  readonly settings?: Partial<StageSettings>;
  /** The code of a function. */
  readonly code: (name: FunctionName) => Code;
  /** Where the cloud assembly goes; absent: a temporary directory. */
  readonly outdir?: string;
}

/**
 * Makes the CDK app with the one stack of a stage, which the AwsSolutions rules of cdk-nag check
 * when it is synthesized.
 */
export const createApp = ({
  stage,
  settings: changes,
  code,
  ...props
}: AppProps): { app: App; stack: HoldfastStack } => {
  const app = new App({ ...props, ...plainTemplate });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const settings = { ...settingsOf(stage), ...changes };
  const stack = new HoldfastStack(app, `Holdfast-${stage}`, {
    stage,
    settings,
    code,
    env: settings.env,
    terminationProtection: settings.protectData,
    description: `The Holdfast ledger, stage ${stage}`,
    tags: { application: 'holdfast', stage },
    synthesizer: synthesizer(),
  });
  return { app, stack };
};

/**
 * Keeps everything but the ledger out of the template: the local cloud has to understand every
 * line.
 */
const plainTemplate = {
  analyticsReporting: false,
  treeMetadata: false,
  // It is synthesized below, once, and not again when the process ends.
  autoSynth: false,
  context: {
    // Tags go to CloudFormation, which passes them on to every resource, instead of standing at
    // each one.
    '@aws-cdk/core:explicitStackTags': true,
    // Findings of CDK's own check of the template are errors, not warnings.
    '@aws-cdk/core:validateAgainstDefaultRules': true,
  },
};

/**
 * The standard synthesizer, without a rule for the bootstrap stack's version in the template: the
 * cdk CLI checks it anyway. It is wrapped because under exactOptionalPropertyTypes the class does
 * not fit the interface that it implements.
 */
const synthesizer = (): IStackSynthesizer => {
  const standard = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
  return {
    bind: (stack) => standard.bind(stack),
    addFileAsset: (asset) => standard.addFileAsset(asset),
    addDockerImageAsset: (asset) => standard.addDockerImageAsset(asset),
    synthesize: (session) => standard.synthesize(session),
  };
};
