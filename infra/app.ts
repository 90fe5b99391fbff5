import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { functionsOf } from './constructs/transfer-ways.ts';
import { type AppContext, cliContext, contextOf, readContext } from './context.ts';
import {
  computes,
  defaultStage,
  keyOwners,
  parseStage,
  type StageName,
  settingsOf,
  stageNames,
  transfersSettings,
} from './stages.ts';

const usage = `Usage: node infra/app.ts [options]

Bundles the functions and writes the CloudFormation template, with all that is needed to deploy it, to cdk.out.
The cdk CLI runs this too: cdk deploy -c stage=dev

  --stage NAME   ${stageNames.join(' | ')}; else -c stage=NAME, else STAGE, else ${defaultStage}
  -c KEY=VALUE   context, as for the cdk CLI:
                 stage=NAME
                 open=yes  asks for no token: everybody may do everything, and that is meant
                 compute=${computes.join('|')}  in place of what is set for the stage
                 transfers=${transfersSettings.join('|')}  likewise
                 key=${keyOwners.join('|')}  likewise: whose key encrypts what is kept
  --help         this text`;

const main = async (): Promise<void> => {
  const asked = readCommandLine(process.argv.slice(2));
  if (asked === 'help') return console.log(usage);
  const { stage, open, compute, transfers, key } = asked;
  const settings = {
    ...(open && { identity: 'open' as const }),
    ...(compute && { compute }),
    ...(transfers && { transfers }),
    ...(key && { key }),
  };
  const inForce = { ...settingsOf(stage), ...settings };
  // Loading the CDK takes longer than all that comes before it, and what was mistyped is said at once.
  const { synthesize } = await import('./synth.ts');
  // The cdk CLI says where to write.
  const directory = await synthesize({
    stage,
    settings,
    outdir: process.env['CDK_OUTDIR'] ?? 'cdk.out',
  });
  console.log(`Holdfast-${stage}: ${join(directory, `Holdfast-${stage}.template.json`)}`);
  console.log(`  and the bundles of ${functionsOf(inForce).length} functions beside it`);
  const { alarmEmails, identity } = inForce;
  if (identity === 'open') console.log('  open to everybody: no token is asked for');
  if (alarmEmails.length === 0)
    console.log('  nobody is told of its alarms: alarmEmails in infra/stages.ts is empty');
};

const readCommandLine = (args: string[]): (AppContext & { readonly stage: StageName }) | 'help' => {
  try {
    const { values } = parseArgs({
      args,
      options: {
        stage: { type: 'string' },
        context: { type: 'string', short: 'c', multiple: true, default: [] },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return 'help';
    const context = readContext({
      ...cliContext(process.env['CDK_CONTEXT_JSON']),
      ...contextOf(values.context),
    });
    const stage = parseStage(values.stage ?? context.stage ?? process.env['STAGE'] ?? defaultStage);
    return { ...context, stage };
  } catch (error) {
    // The user mistyped something, or did not mean it: only the message helps.
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
};

await main();
