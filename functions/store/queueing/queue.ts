import { COMMAND_SCHEMA } from '../../ledger/account.ts';
import type { Look } from '../../runtime/look-together.ts';
import { untilAnswered } from '../../runtime/patience.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import type { CommandResult, Elsewhere } from '../deciding/command-result.ts';
import { resultOf } from '../deciding/command-result.ts';
import { reasonOf, recordedUnder } from '../deciding/further-keys.ts';
import type { Race } from '../deciding/lane.ts';
import type { LanesDependencies } from '../deciding/lanes.ts';
import type { Submission } from '../deciding/plan.ts';
import { timestampOf } from '../stream/append.ts';
import {
  type PendingCommand,
  type PendingRecord,
  RECORD_SCHEMA,
  readRecord,
} from '../writing/command-record.ts';
import { type RecordKey, recordKey } from '../writing/record-key.ts';
import { writeUntilKnown } from '../writing/until-known.ts';
import type { FoundRecord } from '../writing/write.ts';
import { decidePending } from './decide-pending.ts';
import type { HotAccounts } from './hot-accounts.ts';

/** What queueing a command takes. */
export interface QueueDependencies extends LanesDependencies {
  readonly hot: HotAccounts;
  /** Reads records, together where several are asked for at the same time. */
  readonly look: Look;
}

/**
 * A sender that has waited this long decides the command itself: decide-pending may have crashed.
 */
const HELP_AFTER_MS = 2_000;
const HELP_AFTER_REPEAT_MS = 250;

/**
 * The longest pause between two looks, in milliseconds. A sender whose time is up looks no more: what is
 * decided within this time before, it hears of as pending.
 */
const LONGEST_PAUSE_MS = 500;

/**
 * How long a command stays in its account's queue: twice as long as the queue's stream keeps it for
 * decide-pending.
 */
const QUEUED_FOR_MS = 48 * 3_600_000;

/**
 * Queues a command instead of racing for its account: its records claim all its keys as pending,
 * and in the same transaction it takes a place in the account's queue. The queue's stream hands it
 * to decide-pending, which decides an account's pending commands together.
 * @param deadline until when to wait, in milliseconds since 1970.
 * @param elsewhere another place where the outcome will show: the first look goes there, and not
 *   before it is expected.
 * @returns the outcome; `pending` where the time was up first, and the command will be decided
 *   later.
 */
export const queue = async (
  dependencies: QueueDependencies,
  submission: Submission,
  deadline: number,
  elsewhere?: Elsewhere,
): Promise<CommandResult> => {
  const { command, fingerprint, origin } = submission;
  const { actor, correlationId } = origin;
  const { accountId } = command;
  const keys: readonly RecordKey[] =
    submission.keys.length > 0 ? submission.keys : [recordKey(origin.commandId)];
  const replaces = new Map<RecordKey, string>();
  const writeIds = new Set<string>();
  for (;;) {
    const now = dependencies.clock();
    if (now >= deadline)
      return { outcome: 'undecided', reason: writeIds.size > 0 ? 'contention' : 'unavailable' };
    const writeId = dependencies.newId();
    writeIds.add(writeId);
    const at = timestampOf(now);
    const envelope = {
      accountId,
      schema: RECORD_SCHEMA,
      commandSchema: COMMAND_SCHEMA,
      fingerprint,
      writeId,
      at,
    } as const;
    const pending: PendingCommand = { ...envelope, keys: [...keys], command, actor, correlationId };
    const records = keys.map((key) => ({
      record: recordOf(pending, key),
      replaces: replaces.get(key),
    }));
    const expiresAt = Math.ceil((now + QUEUED_FOR_MS) / 1_000);
    const queued = { ...pending, place: `${at}#${writeId}`, expiresAt };
    const { result, uncertain } = await writeUntilKnown(dependencies, deadline, {
      writeId,
      records,
      queued,
    });
    const [key] = keys;
    if (!key) throw new Error('a command that queues has a key');
    if (result.kind === 'landed') {
      return outcomeOf(dependencies, recordOf(pending, key), submission, {
        isOurs: true,
        deadline,
        elsewhere,
      });
    }
    if (result.kind !== 'refused') return { outcome: 'undecided', reason: reasonOf(result.kind) };

    // DynamoDB did not show what stands in the way, so it is read.
    const found =
      result.records.length > 0 ? result.records : await readAll(dependencies, keys, deadline);
    if (!found) return { outcome: 'undecided', reason: uncertain ? 'unknown' : 'unavailable' };
    const outcome = await whatStandsThere(dependencies, found, submission, {
      writeIds,
      replaces,
      deadline,
      elsewhere,
    });
    if (outcome) return outcome;
    if (found.length === 0)
      return { outcome: 'undecided', reason: uncertain ? 'unknown' : 'contention' };
  }
};

/** @returns the records under these keys; `undefined` where DynamoDB did not answer in time. */
const readAll = async (
  dependencies: QueueDependencies,
  keys: readonly RecordKey[],
  deadline: number,
): Promise<readonly FoundRecord[] | undefined> => {
  const found = await Promise.all(keys.map((key) => look(dependencies, key, deadline)));
  if (found.some((record) => record === 'unknown')) return undefined;
  return found.filter((record) => record !== undefined && record !== 'unknown');
};

const recordOf = (pending: PendingCommand, key: RecordKey): PendingRecord => ({
  ...pending,
  key,
  outcome: 'pending',
});

interface Refused {
  /** The ids of this call's own writes. */
  readonly writeIds: ReadonlySet<string>;
  /** The records that may be replaced; given-up commands are added as they are found. */
  readonly replaces: Map<RecordKey, string>;
  readonly deadline: number;
  readonly elsewhere?: Elsewhere | undefined;
}

/**
 * @returns what the sender hears of the records that refused its command; `undefined` where its own
 *   may be written in their place.
 */
const whatStandsThere = async (
  dependencies: QueueDependencies,
  found: readonly FoundRecord[],
  submission: Submission,
  { writeIds, replaces, deadline, elsewhere }: Refused,
): Promise<CommandResult | undefined> => {
  if (found.some(({ outcome }) => outcome === 'unreadable'))
    return { outcome: 'undecided', reason: 'record_unreadable' };
  const records = found.filter((record) => record.outcome !== 'unreadable');
  if (records.some((record) => record.fingerprint !== submission.fingerprint))
    return { outcome: 'key_reused' };
  for (const record of records) {
    if (record.outcome !== 'accepted' && record.outcome !== 'rejected') continue;
    // An earlier try of this call may have landed and be decided by now. It claimed all keys, so
    // nothing is left to write.
    const isOurs = record.pendingId !== undefined && writeIds.has(record.pendingId);
    if (isOurs) return resultOf(record, false);
    return (
      (await recordedUnder(dependencies, record, submission, replaces, deadline)) ??
      resultOf(record, true)
    );
  }
  for (const record of records) {
    if (record.outcome !== 'pending') continue;
    const isOurs = writeIds.has(record.writeId);
    if (!isOurs) return pendingOutcome(dependencies, record, submission, deadline);
    return outcomeOf(dependencies, record, submission, { isOurs, deadline, elsewhere });
  }
  for (const record of records) {
    if (record.outcome !== 'given_up') continue;
    // An earlier try of this call queued this very command, which was then given up: its sender
    // hears so.
    if (writeIds.has(record.pendingId)) return { outcome: 'undecided', reason: 'commit_too_large' };
    replaces.set(record.key, record.writeId);
  }
  return undefined;
};

/**
 * Waits for a command that is pending already, and decides it here if need be. All keys that it was
 * sent with now belong to it from here on.
 * @param record the record under one of them.
 */
export const pendingOutcome = async (
  dependencies: QueueDependencies,
  record: PendingRecord,
  submission: Submission,
  deadline: number,
): Promise<CommandResult> =>
  (await recordedUnder(dependencies, record, submission, new Map(), deadline)) ??
  (await outcomeOf(dependencies, record, submission, { isOurs: false, deadline }));

interface Waiting {
  /** Whether this call has queued the command; if not, it is a repeat. */
  readonly isOurs: boolean;
  readonly deadline: number;
  readonly elsewhere?: Elsewhere | undefined;
}

const outcomeOf = async (
  dependencies: QueueDependencies,
  pending: PendingRecord,
  submission: Submission,
  { isOurs, deadline, elsewhere }: Waiting,
): Promise<CommandResult> => {
  const { clock, random, sleep, hot } = dependencies;
  const { key, accountId } = pending;
  const wait = hot.wait(accountId);
  let helpAt = clock() + (isOurs ? HELP_AFTER_MS : HELP_AFTER_REPEAT_MS);
  // The sender looks first a little after the outcome is expected, and again after a part of that
  // time, or of the time that it has waited. The waits are spread, so that commands that queued
  // together do not look together. A look too early costs a request, and many of them make everybody
  // wait for longer; one too late costs the caller time.
  const begunAt = clock();
  const first = Math.max(
    wait.expected() * (1.1 + random() / 2),
    (elsewhere?.expectedAt ?? 0) - begunAt,
  );
  for (let pause = Math.min(first, helpAt - begunAt); clock() + pause < deadline; ) {
    await sleep(pause);
    const shown = await elsewhere?.look();
    if (shown) return shown;
    const record = await look(dependencies, key, deadline);
    if (record === 'unknown') break;
    // What was pending never becomes a claim: nothing may be concluded from one that stands there.
    if (!record || record.outcome === 'unreadable' || record.outcome === 'claimed')
      return { outcome: 'undecided', reason: 'record_unreadable' };
    switch (record.outcome) {
      case 'accepted':
      case 'rejected': {
        hot.met(accountId, record.batch ?? 1);
        wait.took(Date.parse(record.at) - Date.parse(pending.at));
        const copies = new Map(submission.keys.map((other) => [other, pending.writeId]));
        const inTheWay = isOurs
          ? undefined
          : await recordedUnder(dependencies, record, submission, copies, deadline);
        return inTheWay ?? resultOf(record, !isOurs);
      }
      case 'given_up':
        return { outcome: 'undecided', reason: 'commit_too_large' };
    }
    if (clock() >= helpAt) {
      const again = await help(dependencies, record, deadline);
      helpAt = again ? clock() + HELP_AFTER_MS : deadline;
      pause = 0;
    } else {
      const part = Math.max(wait.expected() * (0.25 + random() / 4), (clock() - begunAt) / 4);
      pause = Math.min(part, LONGEST_PAUSE_MS, helpAt - clock());
    }
  }
  return isOurs ? { outcome: 'pending', key } : { outcome: 'in_progress' };
};

/**
 * A failed look does not mean that nothing was done: the command is pending, and will be decided.
 */
const look = async (dependencies: QueueDependencies, key: RecordKey, deadline: number) => {
  try {
    const item = await untilAnswered(dependencies, deadline, () => dependencies.look({ key }));
    return item && readRecord(item);
  } catch (error) {
    if (isStoreUnavailable(error)) return 'unknown';
    throw error;
  }
};

/**
 * After this many lost races a helper leaves the command pending. The winners are at work on the account, so that
 * its turn may come yet; helpers that raced on until they won would keep each other, and the taker of all their
 * commands, from it.
 */
const MOST_LOSSES_OF_A_HELPER = 3;
const givesWay = ({ losses }: Race): boolean => losses >= MOST_LOSSES_OF_A_HELPER;

/**
 * Decides a pending command for who waits for it, or asks after it, unless others are at work on its
 * account.
 * @param deadline in milliseconds since 1970.
 * @returns whether to try again later: it was left pending for now, and not for good.
 * @throws {Error} where DynamoDB refuses the request itself.
 */
export const help = async (
  dependencies: LanesDependencies,
  pending: PendingCommand,
  deadline: number,
): Promise<boolean> => {
  try {
    await decidePending(dependencies, pending.accountId, [pending], deadline, givesWay);
    return false;
  } catch (error) {
    // It is still pending, and the next taker decides it.
    if (!isStoreUnavailable(error)) throw error;
    return true;
  }
};
