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
import { NOON } from '../ledger/given.ts';
import { ROUNDS, weather } from './weather.ts';

const NOON_MS = Date.parse(NOON);
/** When holds end. */
const expiresAt = '2026-11-21T12:01:00.000Z';
const END_MS = Date.parse(expiresAt);

/** What came of a race: for each request that was sent, `accepted` or the code of its rejection. */
type Words = readonly string[];

interface Race {
  /** Whether the clocks of the environments stand around the end of the holds, and differ. */
  readonly atTheEnd?: boolean;
  /** What happens before, on accounts with 100 each. */
  readonly before?: (a: string, b: string, id: string) => readonly CommandRequest[];
  /** What comes in at once, each to its own environment. */
  readonly sent: (a: string, b: string, id: string) => readonly CommandRequest[];
  /** Which words are right together; in what order they came does not show. */
  readonly right: (words: Words) => boolean;
  /** What the two accounts have then. */
  readonly left: (words: Words) => readonly [Sums, Sums];
}
type Sums = { readonly balance: number; readonly reserved: number };

const sums = (balance: number, reserved = 0): Sums => ({ balance, reserved });
const both = (words: Words, one: string, other: string) => words[0] === one && words[1] === other;
const count = (words: Words, word: string) => words.filter((one) => one === word).length;
const hold100 = (a: string, b: string, id: string) => [requests.hold(a, b, 100, id, { expiresAt })];
/** Ten reversals of 30 each take back what was paid: 100, from b to a. */
const paid = (id: string) => ({ transferId: `${id}-paid`, amount: 100 });
const reversals = (a: string, b: string, id: string) =>
  Array.from({ length: 10 }, (_, n) => requests.reverse(b, a, paid(id), `${id}-r${n}`, 30));

const RACES: readonly (readonly [string, Race])[] = [
  [
    'a capture against a void',
    {
      before: hold100,
      sent: (a, _, id) => [
        requests.capture(a, id, { amount: 60, key: 'capture' }),
        requests.void(a, id, { key: 'void' }),
      ],
      right: (words) =>
        both(words, 'accepted', 'hold_captured') || both(words, 'hold_ended', 'accepted'),
      left: ([capture]) => [sums(100, capture === 'accepted' ? 60 : 0), sums(100)],
    },
  ],
  [
    'a capture against the expiry',
    {
      atTheEnd: true,
      before: hold100,
      sent: (a, _, id) => [
        requests.capture(a, id, { key: 'capture' }),
        // Whether it ended something shows in the sums alone.
        requests.expire(a, id),
      ],
      right: ([capture, expiry]) =>
        expiry === 'accepted' && ['accepted', 'hold_expired', 'hold_ended'].includes(capture ?? ''),
      // Where the capture heard that the time is over, and the expiry's clock said that it is not, the
      // hold rests on.
      left: ([capture]) => {
        const rests = capture === 'hold_expired' ? Number.NaN : capture === 'accepted' ? 100 : 0;
        return [sums(100, rests), sums(100)];
      },
    },
  ],
  [
    'two captures',
    {
      before: hold100,
      sent: (a, _, id) => [
        requests.capture(a, id, { amount: 30, key: 'one' }),
        requests.capture(a, id, { amount: 50, key: 'other' }),
      ],
      right: (words) =>
        both(words, 'accepted', 'hold_captured') || both(words, 'hold_captured', 'accepted'),
      left: ([one]) => [sums(100, one === 'accepted' ? 30 : 50), sums(100)],
    },
  ],
  [
    'a close against the credit of a transfer',
    {
      before: (a, b, id) => [
        requests.withdraw(b, 100, { key: 'emptied' }),
        requests.reserve(a, b, 40, id),
      ],
      sent: (a, b, id) => [requests.close(b, { key: 'close' }), requests.credit(b, a, 40, id)],
      right: (words) =>
        both(words, 'accepted', 'account_not_open') || both(words, 'account_not_empty', 'accepted'),
      left: ([, credit]) => [sums(100, 40), sums(credit === 'accepted' ? 40 : 0)],
    },
  ],
  [
    'a freeze against a withdrawal',
    {
      sent: (a) => [
        requests.freeze(a, 'debits', { key: 'freeze' }),
        requests.withdraw(a, 70, { key: 'withdraw' }),
      ],
      right: (words) =>
        words[0] === 'accepted' && ['accepted', 'account_not_open'].includes(words[1] ?? ''),
      left: ([, withdrawal]) => [sums(withdrawal === 'accepted' ? 30 : 100), sums(100)],
    },
  ],
  [
    'ten reversals of one transfer',
    {
      sent: reversals,
      right: (words) => count(words, 'accepted') === 3 && count(words, 'already_reversed') === 7,
      left: () => [sums(100), sums(100, 90)],
    },
  ],
  [
    'ten reversals of one transfer, and the release of an earlier one',
    {
      before: (a, b, id) => [requests.reverse(b, a, paid(id), `${id}-first`, 60)],
      sent: (a, b, id) => [
        requests.release(b, `${id}-first`, 'account_not_open'),
        ...reversals(a, b, id),
      ],
      // One finds room beside the first, and all three do once that is released.
      right: ([release, ...words]) =>
        release === 'accepted' &&
        [1, 2, 3].includes(count(words, 'accepted')) &&
        count(words, 'accepted') +
          count(words, 'already_reversed') +
          count(words, 'insufficient_funds') ===
          10,
      left: ([, ...words]) => [sums(100), sums(100, 30 * count(words, 'accepted'))],
    },
  ],
  [
    'a lower overdraft against a withdrawal',
    {
      before: (a) => [requests.amend(a, { overdraftLimit: 50 }, { key: 'raised' })],
      sent: (a) => [
        requests.amend(a, { overdraftLimit: 0 }, { key: 'lowered' }),
        requests.withdraw(a, 120, { key: 'withdraw' }),
      ],
      right: (words) =>
        both(words, 'accepted', 'insufficient_funds') || both(words, 'limit_in_use', 'accepted'),
      left: ([, withdrawal]) => [sums(withdrawal === 'accepted' ? -20 : 100), sums(100)],
    },
  ],
  [
    'a posting against a transfer and a posting the other way round',
    {
      sent: (a, b, id) => [
        requests.post(
          [
            [a, -80],
            [b, 80],
          ],
          `${id}-there`,
        ),
        requests.post(
          [
            [b, -150],
            [a, 150],
          ],
          `${id}-back`,
        ),
        requests.reserve(a, b, 70, id),
      ],
      right: (words) => words.every((word) => ['accepted', 'insufficient_funds'].includes(word)),
      left: ([there, back, transfer]) => {
        const moved = (there === 'accepted' ? -80 : 0) + (back === 'accepted' ? 150 : 0);
        return [sums(100 + moved, transfer === 'accepted' ? 70 : 0), sums(100 - moved)];
      },
    },
  ],
];

it.each(RACES)(
  '%s: each hears the right word, and the sums are right',
  async (_name, { atTheEnd, before, sent, right, left }) => {
    const database = await createLedgerDatabase();
    const clocks = Array(11).fill(END_MS);
    const quiet = createMeteredStore(database, { clock: () => NOON_MS }).store;
    const environments = clocks.map((_, n) =>
      createMeteredStore(database, {
        clock: () => clocks[n],
        sleep: () => setImmediate(),
        budget: 60_000,
      }),
    );
    const heard = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const said = `round ${round}`;
      const random = randomOf(round);
      const [a, b, id] = [`a-${round}`, `b-${round}`, `t-${round}`];
      for (const account of [a, b]) {
        await quiet.execute(requests.open(account));
        await quiet.execute(requests.deposit(account, 100));
      }
      for (const request of before?.(a, b, id) ?? [])
        expect(await quiet.execute(request), said).toMatchObject({ outcome: 'accepted' });
      const all = sent(a, b, id);
      for (const [n, { inject }] of environments.entries()) {
        clocks[n] = atTheEnd
          ? END_MS + random.oneOf([-1_000, -1, 0, 1_000])
          : NOON_MS + random.oneOf([-1_000, 0, 5_000]);
        inject(weather(random.fork()));
      }
      const results = await Promise.all(
        all.map((request, n) => environments[n]?.store.execute(request)),
      );
      // Whoever sent a key hears the same again. An answer that was lost is found under it.
      for (const [n, request] of all.entries()) {
        if (request.keys === undefined) continue;
        expect(wordOf(await quiet.execute(request)), said).toBe(wordOf(results[n]));
      }
      const words = results.map(wordOf);
      expect(words, said).toSatisfy(right);
      heard.set(words.join(), (heard.get(words.join()) ?? 0) + 1);
      const accounts = await Promise.all(
        [a, b].map(async (name) => (await verifyStream(quiet, AccountId.parse(name))).account),
      );
      for (const [n, { balance, reserved }] of left(words).entries()) {
        expect(accounts[n]?.balance, said).toBe(balance);
        if (!Number.isNaN(reserved)) expect(accounts[n]?.reserved, said).toBe(reserved);
        else expect([0, 100], said).toContain(accounts[n]?.reserved);
      }
    }
    // A race that always ends the same way is none.
    if (!_name.startsWith('ten reversals of one transfer')) expect(heard.size).toBeGreaterThan(1);
  },
  600_000,
);

const wordOf = (result: CommandResult | undefined): string =>
  result?.outcome === 'rejected'
    ? result.rejection.code
    : result?.outcome === 'undecided'
      ? `undecided: ${result.reason}`
      : (result?.outcome ?? 'nothing');
