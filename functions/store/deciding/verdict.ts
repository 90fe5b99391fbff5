import type { Tail } from '../stream/tail.ts';
import type { DecidedRecord, PendingRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';
import type { FoundRecord } from '../writing/write.ts';
import type { CommandResult, UndecidedReason } from './command-result.ts';
import type { Submission } from './plan.ts';

/** What became of a command in its lane. */
export type Verdict =
  /** This lane decided it, by a write or without the need of one. */
  | { readonly kind: 'decided'; readonly result: CommandResult }
  /** It was decided before, elsewhere. */
  | { readonly kind: 'recorded'; readonly record: DecidedRecord }
  /** The same command is pending under one of its keys. */
  | { readonly kind: 'pending'; readonly record: PendingRecord }
  /** One of its keys belongs to another command. */
  | { readonly kind: 'reused' }
  /**
   * The record of a command from the queue no longer holds it: it was given up, or replaced by its
   * repeat.
   */
  | { readonly kind: 'given_up' }
  /**
   * It leaves the lane to go another way, as its sender allowed, or because a lane of several
   * accounts cannot accept it. Nothing was written for it. `tail` is its account's stream as the
   * lane last knew it.
   */
  | { readonly kind: 'outraced'; readonly tail?: Tail | undefined }
  /** Even alone its commit would near DynamoDB's limit for an item. Nothing was written for it. */
  | { readonly kind: 'too_large' }
  /** The time was up. Nothing was written for it, unless the reason is `unknown`. */
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason }
  /** This code cannot decide it, or DynamoDB does not let it; no record tells what became of it. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly mayHaveLanded: boolean };

/**
 * What the records under a command's keys say of it.
 * @param replaces the `writeId` of what the command may replace.
 * @returns `undefined` where nothing stands in its way.
 */
export const verdictOf = (
  { fingerprint, pendingId }: Submission,
  found: readonly FoundRecord[],
  replaces: ReadonlyMap<RecordKey, string>,
): Verdict | undefined => {
  if (found.some(({ outcome }) => outcome === 'unreadable'))
    return { kind: 'undecided', reason: 'record_unreadable' };
  const records = found.filter((record) => record.outcome !== 'unreadable');
  if (records.some((record) => record.fingerprint !== fingerprint)) return { kind: 'reused' };
  for (const record of records) {
    if (record.outcome === 'accepted' || record.outcome === 'rejected')
      return { kind: 'recorded', record };
  }
  for (const record of records) {
    if (record.writeId === replaces.get(record.key)) continue;
    if (pendingId !== undefined) return { kind: 'given_up' };
    if (record.outcome === 'pending') return { kind: 'pending', record };
  }
  return undefined;
};
