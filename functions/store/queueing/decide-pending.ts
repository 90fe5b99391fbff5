import type { AccountId } from '../../../events/values.ts';
import { StoreUnavailable } from '../../runtime/unavailable.ts';
import { type DecidingDependencies, decideTogether } from '../deciding/decide-together.ts';
import { recordedUnder } from '../deciding/further-keys.ts';
import type { Submission } from '../deciding/plan.ts';
import { timestampOf } from '../stream/append.ts';
import type { PendingCommand } from '../writing/command-record.ts';
import { commandIdOf, type RecordKey } from '../writing/record-key.ts';
import { writeUntilKnown } from '../writing/until-known.ts';

/**
 * Decides pending commands of one account, in order, on one state. Each is decided on the condition that its record is still the
 * very one that it was taken with, so whoever else decides some of them at the same time (a repeat, a second delivery) does no
 * harm: only one does.
 *
 * A command whose commit would be too large even alone is given up: its records say so for ever, unless a repeat replaces them.
 * @param dependencies the tables, and all that varies.
 * @param pending commands of that account, in the order in which they were sent. Those that are decided already are left alone.
 * @param deadline in milliseconds since 1970.
 * @throws {StoreUnavailable} where the time is up: what was not decided is still pending.
 */
export const decidePending = async (
  dependencies: DecidingDependencies,
  accountId: AccountId,
  pending: readonly PendingCommand[],
  deadline: number,
): Promise<void> => {
  const commands = new Map([...new Map(pending.map((command) => [command.writeId, command])).values()].map(taken));
  const replaces = new Map<RecordKey, string>();
  for (const { keys, writeId } of commands.values()) for (const key of keys) replaces.set(key, writeId);
  const verdicts = await decideTogether(dependencies, accountId, [...commands.keys()], { deadline, replaces });

  let undecided: unknown;
  for (const [submission, verdict] of verdicts) {
    const command = commands.get(submission);
    if (!command) continue;
    if (verdict.kind === 'too_large') await giveUp(dependencies, command, deadline);
    // One of its keys has the outcome already: the others are to have it too.
    if (verdict.kind === 'recorded') {
      const left = await recordedUnder(dependencies, verdict.record, submission, replaces, deadline);
      if (left?.outcome === 'undecided' && left.reason !== 'record_unreadable') undecided = left.reason;
    }
    if (verdict.kind === 'undecided' && verdict.reason !== 'record_unreadable') undecided = verdict.reason;
  }
  if (undecided) throw new StoreUnavailable(undecided === 'throttled' ? 'throttled' : 'unavailable', undecided);
};

const taken = (pending: PendingCommand): [Submission, PendingCommand] => {
  const { command, fingerprint, keys, writeId, actor, correlationId } = pending;
  const [key] = keys;
  if (!key) throw new Error(`a pending command of ${pending.accountId} has no key`);
  const origin = { commandId: commandIdOf(key), actor, correlationId };
  return [{ command, fingerprint, keys, origin, pendingId: writeId }, pending];
};

/** Whatever stands in the way has decided the command, or given it up before. */
const giveUp = async (
  dependencies: DecidingDependencies,
  { keys, accountId, schema, fingerprint, writeId: pendingId }: PendingCommand,
  deadline: number,
): Promise<void> => {
  if (dependencies.clock() >= deadline) {
    throw new StoreUnavailable('unavailable', new Error('the time was up before all were given up'));
  }
  const writeId = dependencies.newId();
  const at = timestampOf(dependencies.clock());
  const records = keys.map((key) => ({
    record: { key, accountId, schema, fingerprint, writeId, at, outcome: 'given_up' as const, pendingId },
    replaces: pendingId,
  }));
  const { result } = await writeUntilKnown(dependencies, deadline, { writeId, records });
  if (result.kind === 'landed' || result.kind === 'refused') return;
  throw new StoreUnavailable(result.kind === 'throttled' ? 'throttled' : 'unavailable', result);
};
