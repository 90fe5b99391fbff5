import type { Patience } from '../../runtime/patience.ts';
import type { CommandRecord, PendingRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';
import { writeUntilKnown } from '../writing/until-known.ts';
import type { RecordWrite, WriteTables } from '../writing/write.ts';
import type { CommandResult } from './command-result.ts';
import type { Submission } from './plan.ts';

/** What recording takes. */
export interface RecordingDependencies extends WriteTables, Patience {
  readonly newId: () => string;
}

/**
 * Writes a command's record under all keys that the command was sent with, so that they all belong
 * to it from now on.
 * @param record the record under one of them: decided, or pending. A copy of a pending record is
 *   that very command, and the environment that decides it may replace the copy.
 * @param submission the command as it was sent now.
 * @param replaces the records that it may replace under the other keys, by `writeId`.
 * @param deadline in milliseconds since 1970.
 * @returns the obstacle: a key belongs to another command, or it is not known that all keys are
 *   claimed.
 */
export const recordedUnder = async (
  dependencies: RecordingDependencies,
  record: Exclude<CommandRecord, { outcome: 'given_up' }>,
  { keys, fingerprint }: Pick<Submission, 'keys' | 'fingerprint'>,
  replaces: ReadonlyMap<RecordKey, string>,
  deadline: number,
): Promise<CommandResult | undefined> => {
  const known = new Map(replaces);
  let left = keys.filter((key) => key !== record.key);
  while (left.length > 0) {
    if (dependencies.clock() >= deadline) return { outcome: 'undecided', reason: 'unavailable' };
    const writeId = record.outcome === 'pending' ? record.writeId : dependencies.newId();
    const records = left.map(
      (key): RecordWrite => ({
        record: copyOf(record, key, writeId, keys),
        replaces: known.get(key),
      }),
    );
    const { result } = await writeUntilKnown(dependencies, deadline, { writeId, records });
    if (result.kind === 'landed') return undefined;
    if (result.kind !== 'refused') return { outcome: 'undecided', reason: reasonOf(result.kind) };
    for (const found of result.records) {
      if (found.outcome === 'unreadable')
        return { outcome: 'undecided', reason: 'record_unreadable' };
      if (found.fingerprint !== fingerprint) return { outcome: 'key_reused' };
      const isDone =
        found.outcome === 'accepted' || found.outcome === 'rejected' || found.writeId === writeId;
      if (isDone || (found.outcome === 'pending' && record.outcome === 'pending')) {
        left = left.filter((key) => key !== found.key);
      } else known.set(found.key, found.writeId);
    }
    if (result.records.length === 0) return { outcome: 'undecided', reason: 'contention' };
  }
  return undefined;
};

const copyOf = (
  record: Exclude<CommandRecord, { outcome: 'given_up' }>,
  key: RecordKey,
  writeId: string,
  keys: readonly RecordKey[],
): CommandRecord =>
  record.outcome === 'pending' ? pendingCopy(record, key, keys) : { ...record, key, writeId };

const pendingCopy = (
  record: PendingRecord,
  key: RecordKey,
  keys: readonly RecordKey[],
): PendingRecord => ({
  ...record,
  key,
  keys: [...new Set([...record.keys, ...keys])],
});

/** Why a command was not decided, by what became of its last write. */
export const reasonOf = (kind: 'conflict' | 'throttled' | 'turned_away' | 'unknown') =>
  kind === 'conflict' ? 'contention' : kind === 'turned_away' ? 'unavailable' : kind;
