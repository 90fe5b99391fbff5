import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { accountsOf, checks } from './checks.ts';
import { type Deployment, deploymentAt } from './deployment.ts';

const usage = `npm run smoke -- --url URL

Checks a deployment from outside, in some seconds, with accounts of its own. They stay, with some cents in them.

  --url URL  of the API: the output ApiUrl of the stack, or http://127.0.0.1:3000 for npm start
  --help     this text

Exit status: 0 where all is as it must be, 1 where something is not, 2 where the command was mistyped.
`;

/** Exit statuses, by convention. */
const FAILED = 1;
const WRONG_USAGE = 2;

const main = async (): Promise<void> => {
  const url = readUrl();
  if (url === 'help') return console.log(usage);
  const run = randomBytes(4).toString('hex');
  console.log(`Checking ${url} with the accounts smoke-${run}-…`);
  const failures = await runAll(deploymentAt(url), run);
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

const readUrl = (): string => {
  try {
    const { values } = parseArgs({
      options: { url: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) return 'help';
    if (values.url === undefined) throw new Error('--url is missing');
    if (!/^https?:$/.test(URL.parse(values.url)?.protocol ?? ''))
      throw new Error(`--url takes a URL, not "${values.url}"`);
    return values.url;
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
