import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { readEvent } from '../../../events/event.ts';
import { AccountId, Caller, Timestamp } from '../../../events/values.ts';
import { type Account, Command, decide, evolve } from '../../../functions/ledger/account.ts';
import {
  type CommandEvents,
  nextCommit,
  timeOfNext,
} from '../../../functions/store/stream/append.ts';
import { type Commit, readCommit, record } from '../../../functions/store/stream/commit.ts';
import { emptyTail, type Tail } from '../../../functions/store/stream/tail.ts';

/** A commit with the item that the events table would hold for it. */
export interface Committed {
  readonly commit: Commit;
  readonly item: Record<string, unknown>;
}

/** The ledger's streams in memory: the real decisions and the real commits, without a table. */
export const createMemoryLedger = () => {
  const tails = new Map<string, Tail>();
  const committed: Committed[] = [];
  let now = Date.parse('2026-11-21T12:00:00.000Z');

  const load = async (accountId: AccountId): Promise<Tail> =>
    tails.get(accountId) ?? emptyTail(accountId);

  /** What one command at an account caused, and nobody else's. */
  const originOf = (index: number) => ({
    commandId: `c${committed.length}-${index}`,
    actor: Caller.parse('alice'),
    correlationId: `k${committed.length}-${index}`,
  });

  const append = (
    tail: Tail,
    commands: readonly CommandEvents[],
    account: Account,
    at: Timestamp,
  ): Committed => {
    const next = nextCommit(tail, `w${committed.length}`, { commands, account, at });
    if (next === 'too_large') throw new Error('the commit is too large');
    tails.set(tail.streamId, next.tail);
    const result = { commit: readCommit(next.item), item: next.item };
    committed.push(result);
    return result;
  };

  async function* history(accountId: AccountId, { from = 1, to = Number.MAX_SAFE_INTEGER } = {}) {
    for (const { commit } of committed) {
      const last = commit.version + commit.count - 1;
      if (commit.streamId === accountId && last >= from && commit.version <= to) yield commit;
    }
  }

  return {
    load,
    history,
    tailOf: (accountId: AccountId): Tail => tails.get(accountId) ?? emptyTail(accountId),
    /** Every commit, in the order they were written. */
    committed: committed as readonly Committed[],
    /**
     * Decides commands on one account, one after another, and commits what those that are accepted
     * give as one commit.
     * @returns the commit; `undefined` where nothing happened.
     */
    commit: (...commands: readonly object[]): Committed | undefined => {
      const parsed = commands.map((command) => Command.parse(command));
      const [first] = parsed;
      if (!first) throw new Error('a commit needs a command');
      const tail = tails.get(first.accountId) ?? emptyTail(AccountId.parse(first.accountId));
      const accepted: CommandEvents[] = [];
      now += 1;
      const at = timeOfNext([tail], now);
      let { account, version } = tail;
      for (const [index, command] of parsed.entries()) {
        if (command.type === 'post') throw new Error('a posting is of several accounts');
        const decision = decide(command, account, { at, reversed: 0 });
        if (decision.outcome === 'rejected' || decision.events.length === 0) continue;
        const origin = originOf(index);
        const events = record(
          decision.events,
          Array(decision.events.length).fill(origin),
          version + 1,
          at,
        );
        account = events.reduce<Account | undefined>(evolve, account);
        version += events.length;
        accepted.push({ origin, events });
      }
      if (accepted.length === 0 || !account) return undefined;
      return append(tail, accepted, account, at);
    },
    /**
     * Has a hold given back: at once, or, whatever the clock says, once its time is over.
     * @returns the commit; `undefined` where there is no such hold.
     */
    endHold: (how: 'void' | 'expire', from: string, transferId: string): Committed | undefined => {
      const accountId = AccountId.parse(from);
      const tail = tails.get(accountId) ?? emptyTail(accountId);
      const command = Command.parse({ type: how, accountId, transferId });
      if (command.type === 'post') throw new Error('a posting is of several accounts');
      now += 1;
      const at = timeOfNext([tail], now);
      const later = Timestamp.parse('2999-01-01T00:00:00.000Z');
      const decision = decide(command, tail.account, { at: later, reversed: 0 });
      if (decision.outcome === 'rejected' || decision.events.length === 0) return undefined;
      const origin = originOf(0);
      const events = record(decision.events, [origin], tail.version + 1, at);
      const account = events.reduce<Account | undefined>(evolve, tail.account);
      if (!account) throw new Error('an account that is open stays one');
      return append(tail, [{ origin, events }], account, at);
    },
    /**
     * Carries a transfer out the short way: one commit on each of two accounts that are open, in
     * one transaction.
     * @returns the source's commit and the destination's.
     */
    transferAtOnce: (transferId: string, from: string, to: string, amount: number) => {
      const [source, destination] = [from, to].map(
        (accountId) => tails.get(accountId) ?? emptyTail(AccountId.parse(accountId)),
      );
      if (!source?.account || !destination?.account) throw new Error('both must be open');
      now += 1;
      const at = timeOfNext([source, destination], now);
      const origin = originOf(0);
      const sides = [
        [source, destination, 'MoneyWithdrawn', { currency: source.account.currency }],
        [destination, source, 'MoneyDeposited', {}],
      ] as const;
      return sides.map(([tail, other, type, more]) => {
        const event = readEvent({
          type,
          v: 1,
          data: {
            amount,
            reference: 'rent',
            transferId,
            counterparty: other.streamId,
            counterpartyVersion: other.version + 1,
            ...more,
          },
        });
        const events = record([event], [origin], tail.version + 1, at);
        const account = events.reduce<Account | undefined>(evolve, tail.account);
        if (!account) throw new Error('an account that is open stays one');
        return append(tail, [{ origin, events }], account, at);
      });
    },
  };
};
export type MemoryLedger = ReturnType<typeof createMemoryLedger>;

let sequence = 0;

/**
 * A record of the events table's stream, as Lambda hands it over. Each has the next sequence
 * number.
 */
export const streamRecord = (
  item: Record<string, unknown>,
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE' = 'INSERT',
): DynamoDBRecord => {
  sequence += 1;
  const { streamId, version } = item;
  return {
    eventID: `event-${sequence}`,
    eventName,
    eventSource: 'aws:dynamodb',
    dynamodb: {
      SequenceNumber: String(sequence).padStart(21, '0'),
      StreamViewType: 'NEW_IMAGE',
      Keys: image({ streamId, version }),
      ...(eventName === 'REMOVE' ? {} : { NewImage: image(item) }),
    },
  };
};

/** Where a record stands, as a handler reports it. */
export const failureOf = (record: DynamoDBRecord) => ({
  itemIdentifier: record.dynamodb?.SequenceNumber,
});

const image = (
  item: Record<string, unknown>,
): NonNullable<DynamoDBRecord['dynamodb']>['NewImage'] =>
  JSON.parse(JSON.stringify(marshall(item, { removeUndefinedValues: true })));
