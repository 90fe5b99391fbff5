import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../testing/random.ts';
import { type Answer, failure, JSON_HEADERS, refusal } from './http.ts';

/** A request that is about to be sent. */
export interface Departure {
  /** `Query`, `PutItem`, `TransactWriteItems` … */
  readonly operation: string;
  /** How many items a transaction has; 1 for all others. */
  readonly items: number;
  /** Really sends it; may be called again, or later. */
  readonly send: () => Promise<Answer>;
  /** Sends it when the caller has gone on, after so many milliseconds. */
  readonly sendLater: (milliseconds: number) => void;
}

/** Something that befalls a request. */
export interface Trouble {
  readonly name: string;
  /** How likely it is beside the others. */
  readonly weight: number;
  /** Whether it can befall an operation; absent: it can befall all. */
  readonly befalls?: (operation: string) => boolean;
  readonly strike: (departure: Departure, random: Random) => Promise<Answer>;
}

const isWrite = (operation: string): boolean => /^(?:PutItem|TransactWriteItems)$/.test(operation);
const isTransaction = (operation: string): boolean => operation === 'TransactWriteItems';

const silence = (random: Random): Error =>
  failure(
    random.oneOf([
      { name: 'TimeoutError' },
      { code: 'ETIMEDOUT' },
      { code: 'ECONNRESET' },
      { code: 'EPIPE' },
    ] as const),
  );

const brokenBodies = (body: string): readonly Answer[] => [
  { statusCode: 200, headers: JSON_HEADERS, body: '' },
  { statusCode: 200, headers: JSON_HEADERS, body: body.slice(0, Math.floor(body.length / 2)) },
  { statusCode: 200, headers: JSON_HEADERS, body: '{"status":"ok"}' },
  {
    statusCode: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html>the hotel’s network</html>',
  },
  { statusCode: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' },
];

/**
 * A cancelled transaction of which nothing was written: one reason for one item, `None` for the
 * others.
 */
const cancelled = (code: string, items: number, random: Random): Answer => {
  const place = random.between(0, items - 1);
  const CancellationReasons = Array.from({ length: items }, (_, n) => ({
    Code: n === place ? code : 'None',
  }));
  return refusal('TransactionCanceledException', { CancellationReasons });
};

/**
 * All that can befall one request. An answer that says that nothing was written comes only for a
 * write that was not sent.
 */
export const troubles: readonly Trouble[] = [
  {
    name: 'late request',
    weight: 4,
    strike: async ({ send }, random) => {
      await sleep(random.between(5, 250));
      return send();
    },
  },
  {
    name: 'late answer',
    weight: 4,
    strike: async ({ send }, random) => {
      const answer = await send();
      await sleep(random.between(5, 250));
      return answer;
    },
  },
  {
    name: 'lost request',
    weight: 3,
    strike: async (_, random) => {
      throw silence(random);
    },
  },
  {
    name: 'lost answer',
    weight: 4,
    strike: async ({ send }, random) => {
      await send();
      throw silence(random);
    },
  },
  {
    name: 'write that lands late',
    weight: 4,
    befalls: isWrite,
    strike: async ({ sendLater }, random) => {
      sendLater(random.between(10, 800));
      throw silence(random);
    },
  },
  {
    name: 'throttling',
    weight: 2,
    strike: async ({ operation, items }, random) => {
      if (isTransaction(operation) && random.chance(0.5))
        return cancelled('ThrottlingError', items, random);
      return refusal(
        random.oneOf([
          'ProvisionedThroughputExceededException',
          'ThrottlingException',
          'RequestLimitExceeded',
        ]),
      );
    },
  },
  {
    name: 'conflict',
    weight: 3,
    befalls: isWrite,
    strike: async ({ operation, items }, random) =>
      isTransaction(operation)
        ? cancelled('TransactionConflict', items, random)
        : refusal('TransactionConflictException'),
  },
  {
    name: 'internal error',
    weight: 2,
    strike: async ({ send }, random) => {
      if (random.chance(0.5)) await send();
      return refusal('InternalServerError', {}, 500);
    },
  },
  {
    name: 'refused signature',
    weight: 2,
    strike: async (_, random) =>
      refusal(
        random.oneOf([
          'InvalidSignatureException',
          'IncompleteSignatureException',
          'ExpiredTokenException',
        ]),
      ),
  },
  {
    name: 'transaction in progress',
    weight: 2,
    befalls: isTransaction,
    strike: async ({ send, sendLater }, random) => {
      const fate = random.oneOf(['landed', 'lands later', 'lost'] as const);
      if (fate === 'landed') await send();
      if (fate === 'lands later') sendLater(random.between(10, 800));
      return refusal('TransactionInProgressException');
    },
  },
  {
    name: 'broken answer',
    weight: 4,
    strike: async ({ send }, random) => random.oneOf(brokenBodies((await send()).body)),
  },
];
