import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { functionNames } from './constructs/catalogue.ts';
import { defaultStage, parseStage, type StageName, stageNames } from './stages.ts';
import { synthesize } from './synth.ts';

const usage = `Usage: node infra/app.ts [--stage NAME]

Bundles the functions and writes the CloudFormation template, with all that is needed to deploy it, to cdk.out.
The cdk CLI runs this too: cdk deploy -c stage=prod

  --stage NAME  ${stageNames.join(' | ')}; else STAGE, else what the cdk CLI was given, else ${defaultStage}
  --help        this text`;

const main = async (): Promise<void> => {
  const stage = stageFrom(process.argv.slice(2));
  if (stage === 'help') return console.log(usage);
  // The cdk CLI says where to write.
  const directory = await synthesize({ stage, outdir: process.env['CDK_OUTDIR'] ?? 'cdk.out' });
  console.log(`Holdfast-${stage}: ${join(directory, `Holdfast-${stage}.template.json`)}`);
  console.log(`  and the bundles of ${functionNames.length} functions beside it`);
};

const stageFrom = (argv: string[]): StageName | 'help' => {
  try {
    const { values } = parseArgs({ args: argv, options: { stage: { type: 'string' }, help: { type: 'boolean' } } });
    return values.help
      ? 'help'
      : parseStage(values.stage ?? process.env['STAGE'] ?? cliContext().stage ?? defaultStage);
  } catch (error) {
    // Something mistyped: its message is all that helps.
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
};

/** The cdk CLI hands its context, of which `-c stage=NAME` is a part, over in a variable. */
const cliContext = () =>
  z.object({ stage: z.optional(z.string()) }).parse(JSON.parse(process.env['CDK_CONTEXT_JSON'] ?? '{}'));

await main();
