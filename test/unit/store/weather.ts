import { setImmediate } from 'node:timers/promises';
import type { Random } from '../../../testing/random.ts';
import type { Fault } from '../../setup/metered-store.ts';

/** How often each race is run, every time with other interleavings and troubles. */
export const ROUNDS = Number(process.env['HOLDFAST_ROUNDS'] ?? 20);
if (!(ROUNDS >= 1)) throw new Error('HOLDFAST_ROUNDS takes a number of rounds, 1 or more');

/**
 * Requests take their turns in a random order; some answers are lost, some transactions are told
 * one of their reasons alone, some meet another transaction.
 */
export const weather =
  (random: Random): Fault =>
  async (operation, send) => {
    for (let turns = random.between(0, 3); turns > 0; turns -= 1) await setImmediate();
    const isWrite = operation === 'TransactWriteItems' || operation === 'PutItem';
    if (isWrite && random.chance(0.1))
      throw named('TransactionCanceledException', { CancellationReasons: [CONFLICT] });
    let answer: unknown;
    try {
      answer = await send();
    } catch (error) {
      throw random.chance(0.3) ? oneReasonOf(error, random) : error;
    }
    if (isWrite && random.chance(0.1)) throw named('TimeoutError');
    return answer;
  };

const CONFLICT = { Code: 'TransactionConflict' };

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });

const oneReasonOf = (error: unknown, random: Random): unknown => {
  const { CancellationReasons: reasons } = error as { CancellationReasons?: { Code?: string }[] };
  const failed = (reasons ?? []).flatMap(({ Code }, index) =>
    Code === 'ConditionalCheckFailed' ? [index] : [],
  );
  if (!reasons || failed.length === 0) return error;
  const told = random.oneOf(failed);
  return named('TransactionCanceledException', {
    CancellationReasons: reasons.map((reason, index) => (index === told ? reason : CONFLICT)),
  });
};
