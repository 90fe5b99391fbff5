import type { Random } from '../random.ts';
import type { Answer } from './http.ts';

interface Reason {
  readonly Code?: string;
}

/**
 * Says less of a cancelled transaction than DynamoDB Local does, and no less than AWS may: DynamoDB Local gives the reason of every
 * item whose condition failed, AWS those it came to. Of the others it says `None`, or that they were in another's way.
 * @returns the answer with one failed condition fewer at least, or none at all beside a conflict; `undefined` where there is nothing
 * to leave out.
 */
export const mixReasons = (answer: Answer, random: Random): Answer | undefined => {
  if (answer.statusCode !== 400 || !answer.body.includes('TransactionCanceledException')) return undefined;
  const body: { CancellationReasons?: Reason[] } = JSON.parse(answer.body);
  const reasons = body.CancellationReasons ?? [];
  const failed = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []));
  if (failed.length === 0) return undefined;
  const allOfThem = random.chance(0.1);
  if (failed.length === 1 && !allOfThem) return undefined;
  const kept = allOfThem ? -1 : random.oneOf(failed);
  const instead = allOfThem ? 'TransactionConflict' : random.oneOf(['None', 'TransactionConflict', 'ThrottlingError']);
  const mixed = reasons.map((reason, index) => {
    if (index === kept || !failed.includes(index)) return reason;
    // Another one that failed may be told as well.
    return kept >= 0 && failed.length > 2 && random.chance(0.3) ? reason : { Code: instead };
  });
  return { ...answer, body: JSON.stringify({ ...body, CancellationReasons: mixed }) };
};
