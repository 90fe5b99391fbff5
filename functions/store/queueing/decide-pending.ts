import type { AccountId } from '../../../events/values.ts';
import { maySucceedLater } from '../../runtime/failure.ts';
import { StoreUnavailable } from '../../runtime/unavailable.ts';
import type { UndecidedReason } from '../deciding/command-result.ts';
import { recordedUnder } from '../deciding/further-keys.ts';
import type { LaneOptions } from '../deciding/lane.ts';
import type { LanesDependencies } from '../deciding/lanes.ts';
import type { Submission } from '../deciding/plan.ts';
import type { Verdict } from '../deciding/verdict.ts';
import { timestampOf } from '../stream/append.ts';
import type { PendingCommand } from '../writing/command-record.ts';
import { commandIdOf, type RecordKey } from '../writing/record-key.ts';
import { writeUntilKnown } from '../writing/until-known.ts';

/** What became of the pending commands of one call. */
export interface PendingTally {
  /** How many have an outcome now, or had one before. */
  readonly decided: number;
  /**
   * The commands that this code will never decide: it cannot read their records, or deciding them
   * fails. They stay as they are.
   */
  readonly passedOver: readonly PassedOver[];
}

/** A command that is passed over, by its keys, and why. */
export interface PassedOver {
  readonly keys: readonly RecordKey[];
  readonly cause: unknown;
}

/**
 * Decides pending commands of one account, in order, on one state. Each is decided on the condition
 * that its record is still the very one that it was taken with. So a repeat or a second delivery
 * that decides some of them at the same time does no harm: only one of the two succeeds.
 *
 * A command whose commit would be too large even alone is given up: its records say so for ever,
 * unless a repeat replaces them.
 * @param dependencies the tables, and all that varies.
 * @param pending commands of that account, in the order in which they were sent. Those that are
 *   decided already are left alone.
 * @param deadline in milliseconds since 1970.
 * @param mayLeave as in {@link LaneOptions}: a command that leaves is still pending.
 * @throws {StoreUnavailable} where the time is up or a command has left, and any other error that may
 *   pass: commands that were not decided are still pending.
 */
export const decidePending = async (
  dependencies: LanesDependencies,
  accountId: AccountId,
  pending: readonly PendingCommand[],
  deadline: number,
  mayLeave?: LaneOptions['mayLeave'],
): Promise<PendingTally> => {
  const [own, foreign] = split(pending, ({ command }) => command.accountId === accountId);
  const passedOver: PassedOver[] = foreign.map(({ keys, command }) => ({
    keys,
    cause: `it is a command on ${command.accountId}, and was to be decided on ${accountId}`,
  }));
  const commands = new Map(
    [...new Map(own.map((command) => [command.writeId, command])).values()].map(taken),
  );
  const replaces = new Map<RecordKey, string>();
  for (const { keys, writeId } of commands.values())
    for (const key of keys) replaces.set(key, writeId);
  const options = { deadline, replaces, mayLeave };
  const verdicts = await dependencies.lanes.decide([accountId], [...commands.keys()], options);

  const later: unknown[] = [];
  for (const [submission, command] of commands) {
    const left = await finish(dependencies, verdicts.get(submission), {
      submission,
      command,
      replaces,
      deadline,
    });
    if (left === undefined) continue;
    if (maySucceedLater(left)) later.push(left);
    else passedOver.push({ keys: command.keys, cause: left });
  }
  if (later.length > 0) throw later[0];
  return { decided: pending.length - passedOver.length, passedOver };
};

interface Taken {
  readonly submission: Submission;
  readonly command: PendingCommand;
  readonly replaces: ReadonlyMap<RecordKey, string>;
  readonly deadline: number;
}

/**
 * Writes what a verdict still needs.
 * @returns why the command is not decided yet; `undefined` where it is.
 */
const finish = async (
  dependencies: LanesDependencies,
  verdict: Verdict | undefined,
  { submission, command, replaces, deadline }: Taken,
): Promise<unknown> => {
  switch (verdict?.kind) {
    case 'too_large':
      await giveUp(dependencies, command, command.keys, deadline);
      return undefined;
    // Its copy under a key that it was sent with later must not stay pending for ever.
    case 'given_up':
      for (const key of command.keys) await giveUp(dependencies, command, [key], deadline);
      return undefined;
    // One of its keys has the outcome already: the others have to get it too.
    case 'recorded': {
      const left = await recordedUnder(
        dependencies,
        verdict.record,
        submission,
        replaces,
        deadline,
      );
      return left?.outcome === 'undecided' ? undecided(left.reason) : undefined;
    }
    case 'undecided':
      return undecided(verdict.reason);
    case 'failed':
      return verdict.error;
    case 'outraced':
      return undecided('contention');
    default:
      return undefined;
  }
};

const undecided = (reason: UndecidedReason): Error =>
  reason === 'record_unreadable'
    ? new Error('one of its records cannot be read by this code')
    : new StoreUnavailable(reason === 'throttled' ? 'throttled' : 'unavailable', reason);

const split = <T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] => [
  items.filter(isFirst),
  items.filter((item) => !isFirst(item)),
];

const taken = (pending: PendingCommand): [Submission, PendingCommand] => {
  const { command, fingerprint, keys, writeId, actor, correlationId } = pending;
  const [key] = keys;
  if (!key) throw new Error(`a pending command of ${pending.accountId} has no key`);
  const origin = { commandId: commandIdOf(key), actor, correlationId };
  return [{ command, fingerprint, keys, origin, pendingId: writeId }, pending];
};

/** Gives a command up. A record in the way means that it was decided, or given up, before. */
const giveUp = async (
  dependencies: LanesDependencies,
  { accountId, schema, fingerprint, writeId: pendingId }: PendingCommand,
  keys: readonly RecordKey[],
  deadline: number,
): Promise<void> => {
  if (dependencies.clock() >= deadline) {
    throw new StoreUnavailable(
      'unavailable',
      new Error('the time was up before all were given up'),
    );
  }
  const writeId = dependencies.newId();
  const at = timestampOf(dependencies.clock());
  const records = keys.map((key) => ({
    record: {
      key,
      accountId,
      schema,
      fingerprint,
      writeId,
      at,
      outcome: 'given_up' as const,
      pendingId,
    },
    replaces: pendingId,
  }));
  const { result } = await writeUntilKnown(dependencies, deadline, { writeId, records });
  if (result.kind === 'landed' || result.kind === 'refused') return;
  throw new StoreUnavailable(result.kind === 'throttled' ? 'throttled' : 'unavailable', result);
};
