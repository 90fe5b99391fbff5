import type { Random } from '../../testing/random.ts';
import type { Answer } from './http.ts';

interface Reason {
  readonly Code?: string;
}

/**
 * Makes an answer say less of a cancelled transaction than DynamoDB Local does, and no less than
 * AWS may: DynamoDB Local gives the reason of every item whose condition failed, AWS only of those
 * it came to. Of the others AWS says `None`, or a conflict.
 * @returns the answer with one failed condition fewer at least, or none at all beside a conflict;
 *   `undefined` where there is nothing to leave out.
 */
export const mixReasons = (answer: Answer, random: Random): Answer | undefined => {
  if (answer.statusCode !== 400 || !answer.body.includes('TransactionCanceledException'))
    return undefined;
  const body: { CancellationReasons?: Reason[] } = JSON.parse(answer.body);
  const reasons = body.CancellationReasons ?? [];
  const failed = reasons.flatMap(({ Code }, index) =>
    Code === 'ConditionalCheckFailed' ? [index] : [],
  );
  if (failed.length === 0) return undefined;
  const allOfThem = random.chance(0.1);
  if (failed.length === 1 && !allOfThem) return undefined;
  const fewer = random.between(1, failed.length - 1);
  const leftOut = new Set(allOfThem ? failed : random.shuffled(failed).slice(0, fewer));
  const instead = allOfThem
    ? 'TransactionConflict'
    : random.oneOf(['None', 'TransactionConflict', 'ThrottlingError']);
  const mixed = reasons.map((reason, index) => (leftOut.has(index) ? { Code: instead } : reason));
  return { ...answer, body: JSON.stringify({ ...body, CancellationReasons: mixed }) };
};
