import { seededRandom } from '../statistics.ts';
import type { SentAs, Transfer } from './ledger-requests.ts';

/** Work that is the same for every contestant. */
export interface Workload {
  readonly name: string;
  readonly accounts: readonly string[];
  readonly transfers: readonly Transfer[];
  /** How many callers there are; each has one transfer under way at a time. */
  readonly concurrency: number;
}

/**
 * What every account holds at first, in minor units: nothing that is measured here fails for want
 * of money.
 */
export const OPENING_BALANCE = 1_000_000;

/**
 * Transfers between two accounts, every other one the other way: the worst load for two accounts.
 * @param sentAs see {@link Transfer}; absent: the workload has the shorter name.
 */
export const bothWays = (count: number, concurrency: number, sentAs?: SentAs): Workload => {
  const name = `${count} at ${concurrency}${sentAs ? `, ${KEYS[sentAs]}` : ''}`;
  const [one, other] = [`one-of-${idOf(name)}`, `other-of-${idOf(name)}`] as const;
  const transfers = transfersOf(name, count, (n) => (n % 2 === 0 ? [one, other] : [other, one]));
  return {
    name,
    accounts: [one, other],
    transfers: sentAs ? transfers.map((transfer) => ({ ...transfer, sentAs })) : transfers,
    concurrency,
  };
};

const KEYS: Readonly<Record<SentAs, string>> = {
  key: 'Idempotency-Key',
  transferId: 'transferId',
  both: 'both keys',
};

/** Deposits, which have no source, of many callers into one account. */
export const deposits = (count: number, concurrency: number): Workload => ({
  name: `${count} deposits at ${concurrency}`,
  accounts: ['one-account'],
  transfers: transfersOf('deposit', count, () => ['nobody', 'one-account']),
  concurrency,
});

/** Transfers between accounts taken at random, every account as likely as any other. */
export const uniform = (options: SpreadOptions): Workload =>
  spread('uniform', options, (random) => random());

/**
 * The same, but accounts have a rank, and the account of rank n is met 1/n times as often as the
 * first: what real traffic looks like. The most frequent of 1,000 takes part in a quarter of all
 * transfers.
 */
export const zipfian = (options: SpreadOptions): Workload => {
  const weights = Array.from({ length: options.accounts }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  const upTo = weights.map((weight) => (sum += weight / total));
  return spread('zipfian', options, (random) => {
    const drawn = random();
    return upTo.findIndex((limit) => drawn <= limit) / options.accounts;
  });
};

/** Every other account pays one account. */
export const hotDestination = ({ accounts, transfers, concurrency }: SpreadOptions): Workload => ({
  name: 'hot destination',
  accounts: ['hot', ...numbered(accounts)],
  transfers: transfersOf('hot destination', transfers, (n) => [nameOf(n % accounts), 'hot']),
  concurrency,
});

/** One account pays every other. */
export const hotSource = ({ accounts, transfers, concurrency }: SpreadOptions): Workload => ({
  name: 'hot source',
  accounts: ['hot', ...numbered(accounts)],
  transfers: transfersOf('hot source', transfers, (n) => ['hot', nameOf(n % accounts)]),
  concurrency,
});

/** How much of it there is. */
export interface SpreadOptions {
  readonly accounts: number;
  readonly transfers: number;
  readonly concurrency: number;
}

/** @param draw an account, as a number in 0 … 1. */
const spread = (
  name: string,
  { accounts, transfers, concurrency }: SpreadOptions,
  draw: (random: () => number) => number,
): Workload => {
  const random = seededRandom(accounts);
  const pick = () => Math.floor(draw(random) * accounts + 1e-9) % accounts;
  return {
    name,
    accounts: numbered(accounts),
    transfers: transfersOf(name, transfers, () => {
      const from = pick();
      let to = pick();
      while (to === from) to = pick();
      return [nameOf(from), nameOf(to)];
    }),
    concurrency,
  };
};

const transfersOf = (
  name: string,
  count: number,
  between: (n: number) => readonly [string, string],
): Transfer[] =>
  Array.from({ length: count }, (_, n) => {
    const [from, to] = between(n);
    return { id: `${idOf(name)}-${n}`, from, to, amount: 1 };
  });

/** A name as a part of an id. */
const idOf = (name: string): string => name.replaceAll(/\W+/g, '-');

const numbered = (count: number) => Array.from({ length: count }, (_, n) => nameOf(n));

const nameOf = (n: number) => `account-${n}`;

/**
 * The work before the clock starts, so that the measurement has no caller's first connection and no
 * code's first run: a transfer by every caller, from accounts that only pay to accounts that are
 * only paid, none of them part of the measurement.
 */
export const warmUpFor = (workloads: readonly Workload[]): Workload => {
  const concurrency = Math.max(...workloads.map((workload) => workload.concurrency));
  const pairs = Array.from(
    { length: Math.max(FEWEST_PAIRS, Math.ceil(concurrency / CALLERS_PER_PAIR)) },
    (_, n) => [`payer-${n}`, `payee-${n}`] as const,
  );
  return {
    name: 'warm-up',
    accounts: pairs.flat(),
    transfers: transfersOf('warm-up', 2 * concurrency, (n) => pairs[n % pairs.length] ?? ['', '']),
    concurrency,
  };
};

/** Few enough that no caller waits for long. */
const CALLERS_PER_PAIR = 5;
const FEWEST_PAIRS = 20;

/**
 * The work of a local cloud before the clock starts: the same kind of work on two other accounts. A
 * function runs in as many isolates as there are calls at once, and each of them compiles its code
 * as it goes: it takes some hundred calls until one costs a third of the first ones.
 */
export const cloudWarmUp = (): Workload => {
  const { transfers, ...rest } = bothWays(3_000, 100);
  const ways: readonly SentAs[] = ['key', 'transferId', 'both'];
  return {
    ...rest,
    name: 'warm-up',
    transfers: transfers.map((transfer, n) => ({ ...transfer, sentAs: ways[n % 3] ?? 'key' })),
  };
};
