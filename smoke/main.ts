import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { accountsOf, checks } from './checks.ts';
import { type Deployment, deploymentAt } from './deployment.ts';

const usage = `npm run smoke -- --url URL [--token TOKEN]

Checks a deployment from outside, in some seconds, with accounts of its own. They stay, with some cents in them.

  --url URL  of the API: the output ApiUrl of the stack, or http://127.0.0.1:3000 for npm start
  --token T  of an operator (ledger:operate), where the ledger takes tokens; else HOLDFAST_TOKEN. For npm start:
             npm run --silent token -- --sub smoke --scope ledger:operate
  --help     this text

Exit status: 0 where all is as it must be, 1 where something is not, 2 where the command was mistyped.
`;

/** Exit statuses, by convention. */
const FAILED = 1;
const WRONG_USAGE = 2;

const main = async (): Promise<void> => {
  const asked = readCommandLine();
  if (asked === 'help') return console.log(usage);
  const { url, token } = asked;
  const run = randomBytes(4).toString('hex');
  console.log(`Checking ${url} with the accounts smoke-${run}-…`);
  const failures = await runAll(deploymentAt(url, token), run);
  console.log(failures === 0 ? 'All is well.' : `${failures} of ${checks.length} checks failed.`);
  if (failures > 0) process.exitCode = FAILED;
};

const runAll = async (ledger: Deployment, run: string): Promise<number> => {
  let failures = 0;
  for (const check of checks) {
    try {
      console.log(`ok    ${check.name}: ${await check.run(ledger, accountsOf(run))}`);
    } catch (error) {
      failures += 1;
      console.log(`FAIL  ${check.name}: ${explain(error)}`);
    }
  }
  return failures;
};

const readCommandLine = ():
  | { readonly url: string; readonly token?: string | undefined }
  | 'help' => {
  try {
    const { values } = parseArgs({
      options: { url: { type: 'string' }, token: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) return 'help';
    if (values.url === undefined) throw new Error('--url is missing');
    if (!/^https?:$/.test(URL.parse(values.url)?.protocol ?? ''))
      throw new Error(`--url takes a URL, not "${values.url}"`);
    return { url: values.url, token: values.token ?? process.env['HOLDFAST_TOKEN'] };
  } catch (error) {
    console.error(`${explain(error)}. See npm run smoke -- --help`);
    process.exit(WRONG_USAGE);
  }
};

/** What `fetch` says of an address that does not answer is in the cause. */
const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

await main();
