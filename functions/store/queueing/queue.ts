import { Timestamp } from '../../../events/values.ts';
import { untilAnswered } from '../../runtime/patience.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import {
  type CommandRecord,
  type DecidedCommand,
  findRecord,
  type PendingCommand,
  resultOf,
} from '../deciding/command-record.ts';
import type { CommandKey, CommandResult, Elsewhere } from '../deciding/command-result.ts';
import type { TogetherDependencies } from '../deciding/decide-together.ts';
import type { Asked } from '../deciding/plan.ts';
import { writeUntilKnown } from '../writing/until-known.ts';
import { decidePending } from './decide-pending.ts';
import type { HotAccounts } from './hot-accounts.ts';

/** What queueing a command takes. */
export interface QueueDependencies extends TogetherDependencies {
  readonly hot: HotAccounts;
}

/** Who waits this long, in milliseconds, decides the command himself: whoever should have done it may have crashed. */
const HELP_AFTER = 2_000;
const HELP_AFTER_REPEAT = 250;

/**
 * Queues a command instead of racing for its account: writes its record as pending, which claims its key, and waits for the
 * outcome that whoever takes the account's pending commands together writes over it.
 * @param deadline until when to wait, in milliseconds since 1970.
 * @param elsewhere where the outcome is expected to show too: nothing is looked for before that, and there first.
 * @returns the outcome; `pending` where the time was up first: it will be decided.
 */
export const queue = async (
  dependencies: QueueDependencies,
  { command, request, keys, origin }: Asked,
  deadline: number,
  elsewhere?: Elsewhere,
): Promise<CommandResult> => {
  const { commandId, actor, correlationId } = origin;
  const key = keys[0] ?? { streamId: command.accountId, commandId };
  const at = Timestamp.parse(new Date(dependencies.clock()).toISOString());
  const pending: PendingCommand = { ...key, request, outcome: 'pending', at, command, actor, correlationId };
  const { result, uncertain } = await writeUntilKnown(dependencies, deadline, { records: [pending] });
  if (result.kind === 'landed') return outcomeOf(dependencies, pending, key, false, deadline, elsewhere);
  if (result.kind === 'refused')
    return recordedOutcome(dependencies, result.records, { request, keys }, !uncertain, deadline);
  return { outcome: 'undecided', reason: result.kind === 'conflict' ? 'contention' : result.kind };
};

/**
 * What the sender of a command hears whose keys are taken: the recorded outcome. A command that still waits is waited for,
 * and, if need be, decided here.
 * @param found the records under the command's keys, at least one.
 * @param asked the fingerprint of the command that was sent now, and all keys it was sent with.
 * @param replayed whether it was recorded before this request.
 * @param deadline until when to wait, in milliseconds since 1970.
 * @returns the outcome; `key_reused` where a key belongs to another command; `in_progress` where the time was up first.
 */
export const recordedOutcome = async (
  dependencies: QueueDependencies,
  found: readonly CommandRecord[],
  { request, keys }: Pick<Asked, 'request' | 'keys'>,
  replayed: boolean,
  deadline: number,
): Promise<CommandResult> => {
  const [record] = found;
  if (!record) throw new Error('a recorded outcome needs a record');
  if (found.some((other) => other.request !== request)) return { outcome: 'key_reused' };
  if (record.outcome !== 'pending') {
    const free = keys.filter(({ commandId }) => !found.some((other) => other.commandId === commandId));
    return (await claim(dependencies, record, free, deadline)) ?? resultOf(record, replayed);
  }
  return outcomeOf(dependencies, record, record, replayed, deadline);
};

/**
 * Records a decided command under further keys that it was now sent with, so that they belong to it.
 * @returns what stands in the way: a key belongs to another command, or it is not known that all of them are claimed.
 */
const claim = async (
  dependencies: QueueDependencies,
  record: DecidedCommand,
  keys: readonly CommandKey[],
  deadline: number,
): Promise<CommandResult | undefined> => {
  if (keys.length === 0) return undefined;
  const records = keys.map((key) => ({ ...record, ...key }));
  const { result } = await writeUntilKnown(dependencies, deadline, { records });
  if (result.kind === 'landed') return undefined;
  if (result.kind !== 'refused') {
    return { outcome: 'undecided', reason: result.kind === 'conflict' ? 'contention' : result.kind };
  }
  const isOurs = result.records.every(({ request }) => request === record.request);
  return isOurs ? undefined : { outcome: 'key_reused' };
};

const outcomeOf = async (
  dependencies: QueueDependencies,
  pending: PendingCommand,
  key: CommandKey,
  replayed: boolean,
  deadline: number,
  elsewhere?: Elsewhere,
): Promise<CommandResult> => {
  const { clock, random, sleep, hot } = dependencies;
  const wait = hot.wait(pending.command.accountId);
  let helpAt = clock() + (replayed ? HELP_AFTER_REPEAT : HELP_AFTER);
  // The first look comes a little after the outcome is expected, each later one after a part of that time again; spread, so
  // that those who queued together do not look together. A look too early costs a request, one too late costs the caller time.
  const first = wait.expected() * (1.1 + random() / 2);
  for (let pause = Math.max(first, (elsewhere?.expectedAt ?? 0) - clock()); clock() + pause < deadline; ) {
    await sleep(pause);
    const shown = await elsewhere?.look();
    if (shown) return shown;
    const record = await look(dependencies, key, deadline);
    if (record === 'unknown') break;
    if (!record) return { outcome: 'undecided', reason: 'commit_too_large' };
    if (record.outcome !== 'pending') {
      hot.met(pending.command.accountId, record.together ?? 1);
      wait.took(Date.parse(record.at) - Date.parse(pending.at));
      return resultOf(record, replayed);
    }
    if (clock() >= helpAt) {
      helpAt = deadline;
      await help(dependencies, pending, deadline);
      pause = 0;
    } else {
      pause = wait.expected() * (0.25 + random() / 4);
    }
  }
  return replayed ? { outcome: 'in_progress' } : { outcome: 'pending', key };
};

/** Not to be able to look does not mean that nothing was done: the command waits, and will be decided. */
const look = async (dependencies: QueueDependencies, key: CommandKey, deadline: number) => {
  try {
    return await untilAnswered(dependencies, deadline, () => findRecord(dependencies, key));
  } catch (error) {
    if (isStoreUnavailable(error)) return 'unknown';
    throw error;
  }
};

const help = async (dependencies: QueueDependencies, pending: PendingCommand, deadline: number): Promise<void> => {
  try {
    await decidePending(dependencies, pending.command.accountId, [pending], deadline);
  } catch (error) {
    // It still waits, and whoever takes it next decides it.
    if (!isStoreUnavailable(error)) throw error;
  }
};
