import { vi } from 'vitest';
import type { RecordedEvent } from '../../../events/event.ts';
import { type AccountId, Timestamp, Version } from '../../../events/values.ts';
import { type Account, evolve } from '../../../functions/ledger/account.ts';
import { answerOf } from '../../../functions/ledger/answer.ts';
import { decide } from '../../../functions/ledger/decide.ts';
import type { CommandRequest, CommandResult } from '../../../functions/store/deciding/command-result.ts';
import { resultOf } from '../../../functions/store/deciding/command-result.ts';
import type { Store } from '../../../functions/store/store.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';
import { type DecidedRecord, fingerprint, RECORD_SCHEMA } from '../../../functions/store/writing/command-record.ts';
import type { RecordKey } from '../../../functions/store/writing/record-key.ts';

/**
 * The event store without tables: the ledger's real decisions, recorded and replayed as the store does. Its methods are
 * mocks, so that a test can look at what was asked of them or put another answer in their place.
 */
export const createMemoryStore = () => {
  const streams = new Map<AccountId, readonly RecordedEvent[]>();
  const records = new Map<RecordKey, DecidedRecord>();
  let now = Date.parse('2026-11-21T10:00:00.000Z');
  let writes = 0;

  const tailOf = (accountId: AccountId, isThen: (event: RecordedEvent) => boolean = () => true): Tail => {
    const events = (streams.get(accountId) ?? []).filter(isThen);
    const account = events.reduce<Account | undefined>(evolve, undefined);
    return { ...emptyTail(accountId), version: events.length, account, at: events.at(-1)?.at };
  };

  /** What becomes of a command on its account as it stands; what it leads to is appended. */
  const decideNow = ({ command }: CommandRequest) => {
    const { version: before, account, at: last } = tailOf(command.accountId);
    const decision = decide(command, account);
    if (decision.outcome === 'rejected')
      return { ...decision, at: last ?? Timestamp.parse(new Date(now).toISOString()) };
    now += 1000;
    const at = Timestamp.parse(new Date(now).toISOString());
    const events = decision.events.map((event, index) => ({
      ...event,
      version: Version.parse(before + 1 + index),
      at,
    }));
    streams.set(command.accountId, [...(streams.get(command.accountId) ?? []), ...events]);
    const after = tailOf(command.accountId);
    const version = Version.parse(after.version);
    const answer = after.account && answerOf(command, after.account, events, version);
    return { outcome: 'accepted' as const, version, at, answer };
  };

  const execute = async (request: CommandRequest): Promise<CommandResult> => {
    const { command, keys = [], expectedVersion } = request;
    const found = keys.flatMap((key) => records.get(key) ?? []);
    if (found.some((record) => record.fingerprint !== fingerprint(command))) return { outcome: 'key_reused' };
    const record = (decided: DecidedRecord) => {
      for (const key of keys) if (!records.has(key)) records.set(key, { ...decided, key });
    };
    const [recorded] = found;
    if (recorded) {
      record(recorded);
      return resultOf(recorded, true);
    }
    const { version: currentVersion } = tailOf(command.accountId);
    if (expectedVersion !== undefined && expectedVersion !== currentVersion) {
      return { outcome: 'version_mismatch', currentVersion };
    }
    writes += 1;
    const decided: DecidedRecord = {
      key: keys[0] ?? 'command:none',
      accountId: command.accountId,
      schema: RECORD_SCHEMA,
      fingerprint: fingerprint(command),
      writeId: `write-${writes}`,
      ...decideNow(request),
    };
    record(decided);
    return resultOf(decided, false);
  };

  return {
    load: vi.fn<Store['load']>(async (accountId) => tailOf(accountId)),
    asOf: vi.fn<Store['asOf']>(async (accountId, moment) =>
      tailOf(accountId, ({ version, at }) => ('version' in moment ? version <= moment.version : at <= moment.at)),
    ),
    execute: vi.fn<Store['execute']>(execute),
    recordOf: vi.fn<Store['recordOf']>(async (key) => records.get(key)),
  };
};
