import { isDeepStrictEqual } from 'node:util';
import { vi } from 'vitest';
import type { RecordedEvent } from '../../../events/event.ts';
import { type AccountId, Timestamp, Version } from '../../../events/values.ts';
import { type Account, evolve } from '../../../functions/ledger/account.ts';
import { answerOf } from '../../../functions/ledger/answer.ts';
import type { Command } from '../../../functions/ledger/command.ts';
import { decide } from '../../../functions/ledger/decide.ts';
import type { CommandKey, CommandRequest, CommandResult } from '../../../functions/store/deciding/command-result.ts';
import type { Store } from '../../../functions/store/store.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';

/**
 * The event store without tables: the ledger's real decisions, recorded and replayed as the store does. Its methods are
 * mocks, so that a test can look at what was asked of them or put another answer in their place.
 */
export const createMemoryStore = () => {
  const streams = new Map<AccountId, readonly RecordedEvent[]>();
  const records = new Map<string, { readonly command: Command; readonly result: CommandResult }>();
  let now = Date.parse('2026-11-21T10:00:00.000Z');

  const tailOf = (accountId: AccountId, isThen: (event: RecordedEvent) => boolean = () => true): Tail => {
    const events = (streams.get(accountId) ?? []).filter(isThen);
    const account = events.reduce<Account | undefined>(evolve, undefined);
    return { ...emptyTail(accountId), version: events.length, account, at: events.at(-1)?.at };
  };

  const decideNow = ({ command, expectedVersion }: CommandRequest): CommandResult => {
    const { version: before, account } = tailOf(command.accountId);
    if (expectedVersion !== undefined && expectedVersion !== before) {
      return { outcome: 'version_mismatch', currentVersion: before };
    }
    const decision = decide(command, account);
    if (decision.outcome === 'rejected') return { ...decision, replayed: false };
    now += 1000;
    const at = Timestamp.parse(new Date(now).toISOString());
    const events = decision.events.map((event, index) => ({
      ...event,
      version: Version.parse(before + 1 + index),
      at,
    }));
    streams.set(command.accountId, [...(streams.get(command.accountId) ?? []), ...events]);
    const after = tailOf(command.accountId);
    const answer = after.account && answerOf(command, after.account, events);
    return { outcome: 'accepted', version: Version.parse(after.version), at, answer, replayed: false };
  };

  const execute = async (request: CommandRequest): Promise<CommandResult> => {
    const names = (request.keys ?? []).map((key) => JSON.stringify([key.streamId, key.commandId]));
    const found = names.flatMap((name) => records.get(name) ?? []);
    if (found.some(({ command }) => !isDeepStrictEqual(command, request.command))) return { outcome: 'key_reused' };
    const [recorded] = found;
    if (recorded) return 'replayed' in recorded.result ? { ...recorded.result, replayed: true } : recorded.result;
    const result = decideNow(request);
    if (result.outcome === 'version_mismatch') return result;
    for (const name of names) records.set(name, { command: request.command, result });
    return result;
  };

  return {
    load: vi.fn<Store['load']>(async (accountId) => tailOf(accountId)),
    asOf: vi.fn<Store['asOf']>(async (accountId, moment) =>
      tailOf(accountId, ({ version, at }) => ('version' in moment ? version <= moment.version : at <= moment.at)),
    ),
    execute: vi.fn<Store['execute']>(execute),
    isTaken: async ({ streamId, commandId }: CommandKey) => records.has(JSON.stringify([streamId, commandId])),
  };
};
