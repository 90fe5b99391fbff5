import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { randomOf } from '../../../testing/random.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { ROUNDS, weather } from './weather.ts';

const short = (from: string, to: string, amount: number, id: string): CommandRequest => ({
  ...requests.reserve(from, to, amount, id),
  atOnce: true,
});

/** What comes in at once, each to its own environment, on two accounts with 100 each. */
type Race = (a: string, b: string, id: string) => readonly CommandRequest[];

const RACES: readonly (readonly [string, Race])[] = [
  [
    'short ways in both directions',
    (a, b, id) => [short(a, b, 60, id), short(b, a, 50, `${id}-back`)],
  ],
  [
    'three short ways and money for two',
    (a, b, id) => ['1', '2', '3'].map((n) => short(a, b, 45, `${id}-${n}`)),
  ],
  [
    'the short and the long way of one id',
    (a, b, id) => [short(a, b, 60, id), requests.reserve(a, b, 60, id)],
  ],
  ['one id from both accounts', (a, b, id) => [short(a, b, 60, id), short(b, a, 60, id)]],
  [
    'a short way and withdrawals from both accounts',
    (a, b, id) => [
      short(a, b, 60, id),
      requests.withdraw(a, 60, { key: 'k' }),
      requests.withdraw(b, 120, { key: 'k' }),
    ],
  ],
];

it.each(RACES)(
  '%s: one outcome for each id, and the sums are right',
  async (_name, race) => {
    const database = await createLedgerDatabase();
    const quiet = createMeteredStore(database).store;
    const environments = [1, 2, 3].map(() =>
      createMeteredStore(database, { sleep: () => setImmediate(), budget: 60_000 }),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      const said = `round ${round}`;
      const random = randomOf(round);
      const accounts = [`a-${round}`, `b-${round}`] as const;
      for (const id of accounts) {
        await quiet.execute(requests.open(id));
        await quiet.execute(requests.deposit(id, 100));
      }
      const sent = race(...accounts, `t-${round}`);
      for (const { inject } of environments) inject(weather(random.fork()));
      const results = await Promise.all(
        sent.map((request, index) => environments[index]?.store.execute(request)),
      );

      const outcomes = await Promise.all(sent.map((request) => quiet.execute(request)));
      expect(results.map(heard), said).toEqual(outcomes.map(heard));
      const [a, b] = accounts;
      const [first, second] = await Promise.all(
        accounts.map(async (id) => (await verifyStream(quiet, AccountId.parse(id))).account),
      );
      const expected = { [a]: { balance: 100, reserved: 0 }, [b]: { balance: 100, reserved: 0 } };
      const add = (id: unknown, change: 'balance' | 'reserved', amount: number) => {
        const account = expected[String(id)];
        if (account) account[change] += amount;
      };
      const done = new Map(
        outcomes.flatMap((outcome) =>
          outcome.outcome === 'accepted' ? [[JSON.stringify(outcome.answer), outcome]] : [],
        ),
      );
      for (const { answer = {} } of done.values()) {
        const { from, to, accountId, status, amount } = answer;
        if (status === 'reserved') add(from, 'reserved', Number(amount));
        if (status === 'settled') add(to, 'balance', Number(amount));
        if (status !== 'reserved') add(from ?? accountId, 'balance', -Number(amount));
      }
      expect({ [a]: first, [b]: second }, said).toMatchObject(expected);
    }
  },
  300_000,
);

/** What a client is told, but for whether it is told again. */
const heard = (result: CommandResult | undefined) =>
  result?.outcome === 'accepted'
    ? { outcome: result.outcome, answer: result.answer }
    : result?.outcome === 'rejected'
      ? { outcome: result.outcome, rejection: result.rejection }
      : result;
