import { vi } from 'vitest';
import type { RecordedEvent } from '../../../events/event.ts';
import { type AccountId, Timestamp, Version } from '../../../events/values.ts';
import { type Account, COMMAND_SCHEMA, decide, evolve } from '../../../functions/ledger/account.ts';
import { answerOf } from '../../../functions/ledger/answers.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { resultOf } from '../../../functions/store/deciding/command-result.ts';
import type { Store } from '../../../functions/store/store.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import {
  type CommandRecord,
  type DecidedRecord,
  fingerprint,
  type PendingCommand,
  RECORD_SCHEMA,
} from '../../../functions/store/writing/command-record.ts';
import { type RecordKey, recordKey } from '../../../functions/store/writing/record-key.ts';

/**
 * The event store without tables: the ledger's real decisions, recorded and replayed as the store
 * does, which `behavesAsAStore` holds it to. Its methods are mocks, so that a test can look at what
 * was asked of them or put another answer in their place.
 */
export const createMemoryStore = () => {
  const streams = new Map<AccountId, readonly RecordedEvent[]>();
  const records = new Map<RecordKey, CommandRecord>();
  let now = Date.parse('2026-11-21T10:00:00.000Z');
  let writes = 0;
  const hot = new Set<AccountId>();
  let isThrottled = false;

  const tailOf = (
    accountId: AccountId,
    isThen: (event: RecordedEvent) => boolean = () => true,
  ): Tail => {
    const events = (streams.get(accountId) ?? []).filter(isThen);
    const account = events.reduce<Account | undefined>(evolve, undefined);
    return { ...emptyTail(accountId), version: events.length, account, at: events.at(-1)?.at };
  };

  const ownerOf = (accountId: AccountId) => tailOf(accountId).account?.owner;

  const timestamp = () => Timestamp.parse(new Date(now).toISOString());
  const nextWriteId = () => {
    writes += 1;
    return `write-${writes}`;
  };

  /** What becomes of a command on its account as it stands; what it leads to is appended. */
  const decideNow = ({ command, actor }: Pick<CommandRequest, 'command' | 'actor'>) => {
    const { version: before, account, at: last } = tailOf(command.accountId);
    if (command.type === 'post') throw new Error('postings are not kept here');
    const decision = decide(command, account, { at: timestamp(), reversed: 0 });
    if (decision.outcome === 'rejected') return { ...decision, at: last ?? timestamp() };
    now += 1000;
    const at = timestamp();
    const events = decision.events.map((event, index) => ({
      ...event,
      version: Version.parse(before + 1 + index),
      at,
    }));
    streams.set(command.accountId, [...(streams.get(command.accountId) ?? []), ...events]);
    const after = tailOf(command.accountId);
    const version = Version.parse(after.version);
    const answer =
      after.account &&
      answerOf({ command, before: account, account: after.account, events, version, actor });
    return { outcome: 'accepted' as const, version, at, answer };
  };

  /** Decides a command and records it under its keys. */
  const decideUnder = (
    keys: readonly RecordKey[],
    command: CommandRequest['command'],
    actor: CommandRequest['actor'],
  ): DecidedRecord => {
    const decided: DecidedRecord = {
      key: keys[0] ?? recordKey('none'),
      accountId: command.accountId,
      schema: RECORD_SCHEMA,
      fingerprint: fingerprint(command),
      writeId: nextWriteId(),
      ...decideNow({ command, actor }),
    };
    for (const key of keys) records.set(key, { ...decided, key });
    return decided;
  };

  const queue = (
    keys: readonly RecordKey[],
    { command, actor, correlationId }: CommandRequest,
  ): CommandResult => {
    const writeId = nextWriteId();
    const [key = recordKey(writeId)] = keys;
    const schemas = { schema: RECORD_SCHEMA, commandSchema: COMMAND_SCHEMA } as const;
    const pending: PendingCommand = {
      ...{
        ...schemas,
        accountId: command.accountId,
        fingerprint: fingerprint(command),
        writeId,
        at: timestamp(),
      },
      ...{ keys: [...new Set([key, ...keys])], command, actor, correlationId },
    };
    for (const each of pending.keys)
      records.set(each, { ...pending, key: each, outcome: 'pending' });
    return { outcome: 'pending', key };
  };

  const execute = async (request: CommandRequest): Promise<CommandResult> => {
    const { command, keys = [], expectedVersions, onlyFor } = request;
    if (onlyFor !== undefined && ownerOf(command.accountId) !== onlyFor)
      return { outcome: 'not_theirs' };
    const found = keys.flatMap((key) => records.get(key) ?? []);
    if (found.some((record) => record.fingerprint !== fingerprint(command)))
      return { outcome: 'key_reused' };
    const [recorded] = found;
    if (recorded) {
      for (const key of keys) if (!records.has(key)) records.set(key, { ...recorded, key });
      if (recorded.outcome === 'accepted' || recorded.outcome === 'rejected')
        return resultOf(recorded, true);
      if (hot.has(command.accountId)) return { outcome: 'in_progress' };
      return resultOf(decideUnder(keys, command, request.actor), true);
    }
    const { version: currentVersion } = tailOf(command.accountId);
    if (expectedVersions && !expectedVersions.some((expected) => expected === currentVersion)) {
      return { outcome: 'version_mismatch', currentVersion };
    }
    if (isThrottled) return { outcome: 'undecided', reason: 'throttled' };
    const queues =
      hot.has(command.accountId) && expectedVersions === undefined && command.type !== 'open';
    return queues
      ? queue(keys, request)
      : resultOf(decideUnder(keys, command, request.actor), false);
  };

  const decidePending = async (pending: readonly PendingCommand[]): Promise<void> => {
    for (const { keys, command, actor, writeId } of pending) {
      // Its record is still the very one that it was taken with.
      if (keys.some((key) => records.get(key)?.writeId === writeId))
        decideUnder(keys, command, actor);
    }
  };

  return {
    load: vi.fn<Store['load']>(async (accountId) => tailOf(accountId)),
    isOwnedBy: vi.fn<Store['isOwnedBy']>(
      async (accountId, caller) => ownerOf(accountId) === caller,
    ),
    asOf: vi.fn<Store['asOf']>(async (accountId, moment) =>
      tailOf(accountId, ({ version, at }) =>
        'version' in moment ? version <= moment.version : at <= moment.at,
      ),
    ),
    execute: vi.fn<Store['execute']>(execute),
    // What is rehearsed here is decided on what is there, and kept nowhere.
    rehearse: vi.fn<Store['rehearse']>(async () => {
      throw new Error('dry runs are not kept here');
    }),
    commitAt: vi.fn<Store['commitAt']>(async () => undefined),
    recordOf: vi.fn<Store['recordOf']>(async (key) => records.get(key)),
    decidePending: vi.fn<Store['decidePending']>(async (_, pending) => {
      await decidePending(pending);
      return { decided: pending.length, passedOver: [] };
    }),
    help: vi.fn<Store['help']>(async (pending) => {
      await decidePending([pending]);
      return false;
    }),
    /** Makes an account hot: what is sent to it queues, and nobody is there who decides it. */
    heat: (accountId: AccountId): void => void hot.add(accountId),
    /** Lets nothing be written any more. @returns what lets it be written again. */
    throttle: (): (() => void) => {
      isThrottled = true;
      return () => {
        isThrottled = false;
      };
    },
  };
};
