import * as z from 'zod/mini';
import type { Answer, Deployment } from './deployment.ts';

/** One thing that a deployment has to do. */
export interface Check {
  readonly name: string;
  /** @returns what was seen. Throws where it is not as it must be. */
  run(ledger: Deployment, accounts: Accounts): Promise<string>;
}

/** The accounts of one run, which nobody else uses. They stay: a ledger deletes nothing. */
export interface Accounts {
  readonly race: string;
  readonly payer: string;
  readonly payee: string;
  /** Part of every key and transfer's id. */
  readonly run: string;
}

export const accountsOf = (run: string): Accounts => ({
  race: `smoke-${run}-race`,
  payer: `smoke-${run}-payer`,
  payee: `smoke-${run}-payee`,
  run,
});

/** Pairs of withdrawals that race: some pairs do not meet. */
const RACES = 10;

/**
 * What is checked, in order. The race first: it needs most of what cannot be tried without AWS,
 * above all that a role which may put an item may be shown what stands in its place
 * (`ReturnValuesOnConditionCheckFailure`).
 */
export const checks: readonly Check[] = [
  {
    name: 'of two withdrawals at once exactly one wins',
    run: async (ledger, { race, run }) => {
      await open(ledger, race);
      for (let round = 1; round <= RACES; round += 1) {
        await deposit(ledger, race, 100);
        const withdraw = (n: number) =>
          ledger.post(
            `/accounts/${race}/withdrawals`,
            { amount: 100 },
            // A put alone, or a transaction with the command's record: both show the winner's
            // commit to the loser.
            round % 2 === 0 ? {} : { 'Idempotency-Key': `smoke-${run}-${round}-${n}` },
          );
        const answers = await Promise.all([withdraw(1), withdraw(2)]);
        const outcome = answers.map(said).sort().join(' and ');
        if (answers.some(({ status }) => status >= 500)) {
          throw new Error(
            `${outcome} in round ${round}. Should the log of withdraw speak of an AccessDeniedException, its role may not be shown ` +
              'what a failed condition returns',
          );
        }
        expect(outcome === '201 and 422 insufficient_funds', `${outcome} in round ${round}`);
      }
      const { body } = await ledger.get(`/accounts/${race}`);
      expect(body['balance'] === 0, `the balance is ${body['balance']}, not 0`);
      return `${RACES} times: one 201, one 422 insufficient_funds, balance 0`;
    },
  },
  {
    name: 'a deposit arrives',
    run: async (ledger, { payer, payee }) => {
      await open(ledger, payer);
      await open(ledger, payee);
      await deposit(ledger, payer, 1_000);
      const { body } = await ledger.get(`/accounts/${payer}`);
      expect(body['balance'] === 1_000, `the balance is ${body['balance']}, not 1000`);
      return 'balance 1000, read at once';
    },
  },
  {
    name: 'a transfer is settled',
    run: async (ledger, { payer, payee, run }) => {
      const transferId = `smoke-${run}`;
      const begun = performance.now();
      const asked = await ledger.post('/transfers', {
        transferId,
        from: payer,
        to: payee,
        amount: 250,
      });
      expect(asked.status < 300, `POST /transfers: ${said(asked)}`);
      const ended = await ledger.getUntil(
        `/transfers/${transferId}`,
        ({ body }) => body['status'] === 'settled',
      );
      expect(
        ended.body['status'] === 'settled',
        `it is ${ended.body['status'] ?? said(ended)} after 30 seconds`,
      );
      const took = Math.round(performance.now() - begun);
      for (const [account, balance] of [[payer, 750] as const, [payee, 250] as const]) {
        const { body } = await ledger.get(`/accounts/${account}`);
        expect(
          body['balance'] === balance,
          `the balance of ${account} is ${body['balance']}, not ${balance}`,
        );
      }
      return `in ${took} ms, as seen from here`;
    },
  },
  {
    name: 'a key sent twice happens once',
    run: async (ledger, { payer, run }) => {
      const send = (amount: number) =>
        ledger.post(
          `/accounts/${payer}/withdrawals`,
          { amount },
          { 'Idempotency-Key': `smoke-${run}-replay` },
        );
      const first = await send(50);
      const second = await send(50);
      const other = await send(51);
      expect(first.status === 201, `first: ${said(first)}`);
      expect(
        second.headers.get('idempotency-replayed') === 'true',
        `second, not marked as replayed: ${said(second)}`,
      );
      expect(
        JSON.stringify(second.body) === JSON.stringify(first.body),
        'the second answer is another than the first',
      );
      expect(
        other.body['code'] === 'idempotency_key_reused',
        `the same key for another command: ${said(other)}`,
      );
      return 'the same answer, marked as replayed; another command under it is refused';
    },
  },
  {
    name: 'If-Match holds a command to a version',
    run: async (ledger, { payer }) => {
      const tag = (await ledger.get(`/accounts/${payer}`)).headers.get('etag') ?? '';
      const withdraw = () =>
        ledger.post(`/accounts/${payer}/withdrawals`, { amount: 1 }, { 'If-Match': tag });
      const current = await withdraw();
      const stale = await withdraw();
      expect(current.status === 201, `at the current version, ${tag}: ${said(current)}`);
      expect(stale.status === 412, `at a version that is past: ${said(stale)}`);
      return `201 at ${tag}, then 412`;
    },
  },
  {
    name: 'the statement shows all of it',
    run: async (ledger, { payer }) => {
      // Newest first: at a version, under a key, the transfer, the deposit.
      const expected = 'withdrawal 1, withdrawal 50, transfer_out 250, deposit 1000';
      const answer = await ledger.getUntil(
        `/accounts/${payer}/entries`,
        (found) => entriesOf(found) === expected,
      );
      expect(
        entriesOf(answer) === expected,
        `after 30 seconds it shows ${entriesOf(answer) || said(answer)}`,
      );
      return expected;
    },
  },
];

const open = async (ledger: Deployment, accountId: string): Promise<void> => {
  const answer = await ledger.post('/accounts', { accountId, currency: 'EUR' });
  expect(answer.status === 201, `POST /accounts: ${said(answer)}`);
};

const deposit = async (ledger: Deployment, accountId: string, amount: number): Promise<void> => {
  const answer = await ledger.post(`/accounts/${accountId}/deposits`, { amount });
  expect(answer.status === 201, `deposit: ${said(answer)}`);
};

const Page = z.object({ entries: z.array(z.object({ kind: z.string(), amount: z.number() })) });

const entriesOf = ({ body }: Answer): string => {
  const page = Page.safeParse(body);
  return page.success
    ? page.data.entries.map(({ kind, amount }) => `${kind} ${amount}`).join(', ')
    : '';
};

/** An answer in a word or two. */
const said = ({ status, body }: Answer): string => {
  if (status === 401) return '401: it takes a token, and has none that is valid (--token)';
  return typeof body['code'] === 'string' ? `${status} ${body['code']}` : `${status}`;
};

function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
