import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, styleText } from 'node:util';
import * as z from 'zod/mini';
import { type Client, createClient } from '../client/client.ts';
import { askToken } from './identity/ask-token.ts';

const usage = `npm run demo -- [options]

Tells the stories of the README against a ledger that runs (npm start): two
withdrawals that race on one balance, a transfer on the way that this ledger takes
(npm start -- --transfers WAY), one whose worker is killed in the middle, and a hold
that is captured while its account is being frozen. Then it times twenty transfers,
and 500 deposits in one request.

  --url URL   where the ledger's API is (default http://127.0.0.1:3000)
  --rounds N  how many pairs of withdrawals race, 1 to 1000 (default 20)
  --help      this text`;

/** What the ledger's own surface for operators asks for, and a page in a browser cannot send. */
const forOperators = { 'sec-local': 'yes' };

const Body = z.looseObject({});
type Answer = { readonly status: number; readonly body: z.infer<typeof Body> };

const main = async (): Promise<void> => {
  const { url, rounds } = readCommandLine();
  const ledger = await connect(url);
  // Every run tells its stories with accounts of its own.
  const run = randomBytes(3).toString('hex');
  await racingWithdrawals(ledger, run, rounds);
  const way = await oneTransfer(ledger, run);
  await killedWorker(ledger, run, way);
  await captureAgainstFreeze(ledger, run, rounds);
  await twentyTransfers(ledger, run);
  await manyAtOnce(ledger, run);
};

const racingWithdrawals = async (ledger: Ledger, run: string, rounds: number): Promise<void> => {
  title('1. Two withdrawals of 100 race on a balance of 100');
  const account = `race-${run}`;
  await ledger.post('/accounts', { accountId: account, currency: 'EUR' });
  const outcomes = new Map<string, number>();
  for (let round = 1; round <= rounds; round += 1) {
    await ledger.post(`/accounts/${account}/deposits`, { amount: 100 });
    const withdraw = () => ledger.post(`/accounts/${account}/withdrawals`, { amount: 100 });
    const answers = await Promise.all([withdraw(), withdraw()]);
    const outcome = answers.map(said).sort().join('  and  ');
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (round === 1) for (const answer of answers) say(`   ${said(answer)}${detailOf(answer)}`);
  }
  for (const [outcome, count] of outcomes) say(`   ${count} of ${rounds} rounds: ${outcome}`);
  const { body } = await ledger.get(`/accounts/${account}`);
  verdict(
    outcomes.size === 1 && body['balance'] === 0,
    `balance ${body['balance']}: nothing was spent twice`,
  );
};

/** The ways of transfers between two accounts that nobody else is at. */
const ways = {
  short: {
    told: 'the short way: both accounts in one transaction, settled when it was answered',
    killed: 'request-transfer',
    moment: 'both accounts',
  },
  stream: {
    told: 'by the function behind the stream: reserved, then credited and settled by carry-out-transfers',
    killed: 'carry-out-transfers',
    moment: 'the credit',
  },
  workflow: {
    told: 'by the workflow: reserved, then an execution of its own in Step Functions',
    killed: 'credit-transfer',
    moment: 'the credit',
  },
} as const;

type Way = keyof typeof ways;

const oneTransfer = async (ledger: Ledger, run: string): Promise<Way> => {
  title('2. One transfer, and the way it goes');
  const { from, to } = await twoAccounts(ledger, `erin-${run}`, `frank-${run}`);
  const transferId = `way-${run}`;
  const began = performance.now();
  const { body } = await ledger.post('/transfers', { transferId, from, to, amount: 2_500 });
  say(`   ${elapsed(began)}  POST /transfers: ${body['status']}`);
  const status = await follow(ledger, transferId, (step) =>
    say(`   ${elapsed(began)}  ${describeStep(step)}`),
  );
  const execution = await ledger.get(`/_local/executions/${transferId}`);
  const way: Way =
    body['status'] === 'settled' ? 'short' : execution.status === 200 ? 'workflow' : 'stream';
  if (way === 'workflow') {
    say(`   its execution ${transferId}, as Step Functions keeps it:`);
    const { history } = Execution.parse(execution.body);
    for (const { at, type, state = '' } of history) say(`     ${at}  ${type} ${state}`);
  }
  verdict(status === 'settled', `${status}, ${ways[way].told}`);
  return way;
};

const killedWorker = async (ledger: Ledger, run: string, way: Way): Promise<void> => {
  title('3. A transfer whose worker is killed in the middle');
  const { from, to } = await twoAccounts(ledger, `alice-${run}`, `bob-${run}`);
  const transferId = `transfer-${run}`;
  say(`   ${from} has 10000, ${to} has 0`);
  const { killed, moment } = ways[way];
  await ledger.post('/_local/kill', { function: killed, when: 'after-next-write' });
  say(`   the next worker of ${killed} will be killed right after it has written ${moment}`);
  const began = performance.now();
  const ask = () => ledger.post('/transfers', { transferId, from, to, amount: 2_500 });
  let requested = await ask();
  if (way === 'short') {
    say(`   POST /transfers: ${requested.status}; the worker died before it could answer`);
    say('   … the client does not know, and sends the same again');
    requested = await ask();
  }
  say(`   POST /transfers: ${requested.body['status']}, 2500 from ${from} to ${to}`);
  await follow(ledger, transferId, (step) => {
    say(`   ${elapsed(began)}  ${describeStep(step)}`);
    if (step.step === 'credited' && way !== 'short')
      say('            … and here the worker dies: the money is at both, spendable at one');
  });
  const [source, destination] = await Promise.all(
    [from, to].map((id) => ledger.get(`/accounts/${id}`)),
  );
  const [left, arrived] = [source?.body['balance'], destination?.body['balance']];
  verdict(
    left === 7_500 && arrived === 2_500,
    `${from} has ${left}, ${to} has ${arrived}: moved once, nothing lost or made`,
  );
};

/** Two new accounts, the first with 10000. */
const twoAccounts = async ({ client }: Ledger, from: string, to: string) => {
  await openAccounts(client, [from, to]);
  await payIn(client, from, 10_000);
  return { from, to };
};

const openAccounts = async (client: Client, accountIds: readonly string[]): Promise<void> => {
  for (const accountId of accountIds)
    await client.POST('/accounts', { body: { accountId, currency: 'EUR', overdraftLimit: 0 } });
};

const payIn = (client: Client, accountId: string, amount: number) =>
  client.POST('/accounts/{accountId}/deposits', {
    params: { path: { accountId } },
    body: { amount },
  });

const Step = z.looseObject({ step: z.string(), accountId: z.string(), version: z.int() });
type Step = z.infer<typeof Step>;

const Execution = z.looseObject({
  history: z.array(
    z.looseObject({ at: z.string(), type: z.string(), state: z.optional(z.string()) }),
  ),
});

const describeStep = ({ step, accountId, version }: Step): string =>
  `${step} (${accountId}, version ${version})`;

/**
 * Follows a transfer until it has ended, a minute at most.
 * @param tell is told each step once, when it is seen.
 * @returns the transfer's status.
 */
const follow = async (
  ledger: Ledger,
  transferId: string,
  tell: (step: Step) => void,
): Promise<unknown> => {
  let shown = 0;
  for (const deadline = performance.now() + 60_000; ; await setTimeout(20)) {
    const { body } = await ledger.get(`/transfers/${transferId}`);
    const steps = z.array(Step).parse(body['steps']);
    for (const step of steps.slice(shown)) tell(step);
    shown = Math.max(shown, steps.length);
    const hasEnded = body['status'] === 'settled' || body['status'] === 'released';
    if (hasEnded || performance.now() >= deadline) return body['status'];
  }
};

const captureAgainstFreeze = async (ledger: Ledger, run: string, rounds: number): Promise<void> => {
  title('4. A hold that is captured while its account is being frozen');
  const { from, to } = await twoAccounts(ledger, `gina-${run}`, `hank-${run}`);
  const outcomes = new Map<string, number>();
  let moved = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const transferId = `held-${run}-${round}`;
    await ledger.post('/transfers', { transferId, from, to, amount: 1, hold: {} });
    const [captured, frozen] = await Promise.all([
      ledger.post(`/transfers/${transferId}/capture`, {}),
      ledger.post(`/accounts/${from}/freeze`, { scope: 'debits' }),
    ]);
    const isCaptured = captured.status === 202;
    const outcome = isCaptured
      ? 'the capture was first: it settles, though the account is frozen'
      : `the freeze was first: ${said(captured)}, and the hold stays`;
    if (frozen.status !== 200) throw new Error(`the freeze was answered ${said(frozen)}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (isCaptured) {
      await follow(ledger, transferId, () => {});
      moved += 1;
    }
    await ledger.post(`/accounts/${from}/unfreeze`, {});
    if (!isCaptured) await ledger.post(`/transfers/${transferId}/void`, {});
  }
  for (const [outcome, count] of outcomes) say(`   ${count} of ${rounds} rounds: ${outcome}`);
  const [source, destination] = await Promise.all(
    [from, to].map((id) => ledger.get(`/accounts/${id}`)),
  );
  const { balance, reserved } = source?.body ?? {};
  verdict(
    balance === 10_000 - moved && reserved === 0 && destination?.body['balance'] === moved,
    `${from} has ${balance} and nothing reserved, ${to} has ${moved}: no money is stuck`,
  );
};

/** How many deposits one request asks for, and how many requests of one each are under way. */
const MANY = 500;
const AT_ONCE = 50;

const manyAtOnce = async (ledger: Ledger, run: string): Promise<void> => {
  title(`And ${MANY} deposits to one account: in one request, and in ${MANY}`);
  const [together, alone] = [`ivan-${run}`, `jane-${run}`];
  await openAccounts(ledger.client, [together, alone]);
  const items = Array.from({ length: MANY }, (_, n) => ({
    ...{ type: 'deposit', accountId: together, amount: 1 },
    key: `${n}`,
  }));
  const began = performance.now();
  await ledger.post('/bulk', { items });
  const inOne = performance.now() - began;
  const left = [...items.keys()];
  const takeTurns = async () => {
    while (left.pop() !== undefined)
      await ledger.client.POST('/accounts/{accountId}/deposits', {
        params: { path: { accountId: alone } },
        body: { amount: 1 },
      });
  };
  const next = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns));
  const inMany = performance.now() - next;
  const balances = await Promise.all(
    [together, alone].map(async (id) => (await ledger.get(`/accounts/${id}`)).body['balance']),
  );
  verdict(
    balances.every((balance) => balance === MANY),
    `${inOne.toFixed(0)} ms in one request; ${inMany.toFixed(0)} ms in ${MANY}, ${AT_ONCE} at once: ${(inMany / inOne).toFixed(0)} times`,
  );
};

const twentyTransfers = async ({ client }: Ledger, run: string): Promise<void> => {
  title('And how long it takes: twenty transfers, one after the other');
  const [from, to] = [`carol-${run}`, `dave-${run}`];
  await openAccounts(client, [from, to]);
  await payIn(client, from, 20);
  const milliseconds: number[] = [];
  for (let n = 1; n <= 20; n += 1) {
    const began = performance.now();
    const { data } = await client.POST('/transfers', {
      params: { header: { Prefer: 'wait=10' } },
      body: { from, to, amount: 1 },
    });
    if (data?.status === 'settled') milliseconds.push(performance.now() - began);
  }
  const median = milliseconds.sort((a, b) => a - b)[Math.floor(milliseconds.length / 2)] ?? 0;
  const slowest = milliseconds.at(-1) ?? 0;
  verdict(
    milliseconds.length === 20,
    `${milliseconds.length} of 20 settled; from the request to settled: median ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`,
  );
};

interface Ledger {
  /** Sends again what it may; the stories themselves are told with `get` and `post`. */
  readonly client: Client;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
}

/**
 * @throws where nothing answers there, or the answer is not a local ledger's: the second story
 *   needs one whose workers it may kill.
 */
const connect = async (url: string): Promise<Ledger> => {
  let token: string | undefined;
  const call = async (path: string, init?: RequestInit): Promise<Answer> => {
    const headers = {
      ...init?.headers,
      ...(path.startsWith('/_local') && forOperators),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    return { status: response.status, body: Body.parse(await response.json()) };
  };
  const local = await call('/_local').catch(() => {
    throw new Error(
      `No ledger answers at ${url}. Start one with npm start, or say where it is with --url.`,
    );
  });
  if (local.status !== 200)
    throw new Error(`What answers at ${url} is not a ledger started with npm start.`);
  // It tells of customers and of the teller who pays in.
  token = await askToken(url, { sub: 'demo', scope: 'ledger:operate', expiresIn: 86_400 });
  const json = { 'content-type': 'application/json' };
  return {
    client: createClient({ url, token }),
    get: (path) => call(path),
    post: (path, body) => call(path, { method: 'POST', headers: json, body: JSON.stringify(body) }),
  };
};

const readCommandLine = (): { readonly url: string; readonly rounds: number } => {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:3000' },
        rounds: { type: 'string', default: '20' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      say(usage);
      process.exit(0);
    }
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000)
      throw new Error(`--rounds is "${values.rounds}", not 1 to 1000`);
    if (!URL.canParse(values.url)) throw new Error(`--url is "${values.url}", which is no URL`);
    return { url: values.url.replace(/\/$/, ''), rounds };
  } catch (error) {
    return stop(`${messageOf(error)}. See npm run demo -- --help`, 2);
  }
};

const said = ({ status, body }: Answer): string =>
  `${status} ${body['code'] ?? body['kind'] ?? body['status']}`;

const detailOf = ({ body }: Answer): string =>
  typeof body['detail'] === 'string' ? ` (${body['detail']})` : '';

const elapsed = (began: number): string =>
  `${((performance.now() - began) / 1000).toFixed(2).padStart(5)} s`;

const verdict = (holds: boolean, text: string): void => {
  say(holds ? styleText('green', `   ✓ ${text}`) : styleText('red', `   ✗ ${text}`));
  if (!holds) process.exitCode = 1;
};

const title = (text: string): void => say(`\n${styleText('bold', text)}`);

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const stop = (message: string, status: number): never => {
  process.stderr.write(`${message}\n`);
  process.exit(status);
};

await main().catch((error: unknown) => stop(messageOf(error), 1));
