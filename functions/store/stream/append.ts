import type { AccountEvent } from '../../../events/event.ts';
import { Timestamp } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA, type Account, available, evolve } from '../../ledger/account.ts';
import { type Commit, type CommitFacts, chainHash, jsonBytes, type Origin, record } from './commit.ts';
import { itemSize } from './item-size.ts';
import type { Tail } from './tail.ts';

/**
 * The largest commit that is written, in bytes: DynamoDB's 400 KB
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html) less what the estimate of sizes may miss.
 */
const MAX_COMMIT_BYTES = 390_000;

/**
 * The largest commit that may reserve. Below the other limit, so that an account that is full of reservations can still be
 * paid into, and can end every one of them: those commits carry the same state and a few hundred bytes more.
 */
const MAX_RESERVING_BYTES = 370_000;

/** Up to this size, in bytes of JSON, a snapshot rides in every commit: a load is then a query of one item. */
const SMALL_SNAPSHOT_BYTES = 1_024;

/** The events that follow from one command. */
export interface CommandEvents {
  readonly origin: Origin;
  readonly events: readonly AccountEvent[];
}

/** A commit that is ready to be written after a tail, and the account as it will stand. */
export interface NextCommit {
  readonly commit: Commit;
  /** The account once it is written. */
  readonly account: Account;
  /** The item of the events table. */
  readonly item: Record<string, unknown> & { readonly streamId: string; readonly version: number };
}

/**
 * Builds the commit that appends events to a stream: its key, its place in the hash chain, its time (never earlier than the
 * commit before it), and its snapshot, where the size rule wants one: always while the state is small, else once the events
 * since the last one are as large as it is, so that snapshots at most double what is stored and a load reads back at most
 * as many bytes of events as the state itself has.
 * @param tail the stream it is to follow.
 * @param commandId the id by which the writer will know this commit for its own.
 * @param commands the commands it is written for, in the order they were decided, with at least one event each.
 * @param now the time, in milliseconds since 1970.
 * @returns the commit, or `'too_large'` where it, with its snapshot, would near DynamoDB's limit for an item. The snapshot
 * counts whether it rides or not: a stream must always be able to write one.
 * @throws {Error} where the events break what must always hold: a bug in the ledger, and nothing may be written.
 */
export const nextCommit = (
  tail: Tail,
  commandId: string,
  commands: readonly CommandEvents[],
  now: number,
): NextCommit | 'too_large' => {
  const at = timeOfNext(tail, now);
  const version = tail.version + 1;
  const events = commands.flatMap((command) => command.events);
  const origins = commands.flatMap(({ origin, events: { length } }) => Array<Origin>(length).fill(origin));
  const recorded = record(events, origins, version, at);
  const [first] = recorded;
  if (!first) throw new Error(`stream ${tail.streamId}: a commit holds at least one event`);
  const account = recorded.reduce<Account | undefined>(evolve, tail.account);
  if (!account || available(account) < -account.overdraftLimit) {
    throw new Error(`stream ${tail.streamId}: version ${version} would spend more than there is`);
  }

  const facts: CommitFacts = {
    streamId: tail.streamId,
    version,
    count: events.length,
    events,
    at,
    commandId,
    ...namesOf(commandId, commands),
  };
  const hash = chainHash(tail.hash, facts);
  const reserves = events.filter((event) => event.type === 'MoneyReserved').length;
  const eventBytes = jsonBytes(events);
  const snapshot = { state: account, stateSchema: ACCOUNT_SCHEMA };
  const stateBytes = jsonBytes(account);
  const rides = stateBytes <= SMALL_SNAPSHOT_BYTES || tail.bytesSinceSnapshot + eventBytes >= stateBytes;

  const item = {
    ...facts,
    hash,
    ...(reserves > 0 ? { reserves } : {}),
    ...(rides ? snapshot : { snapshotVersion: tail.snapshotVersion }),
  };
  const limit = reserves > 0 ? MAX_RESERVING_BYTES : MAX_COMMIT_BYTES;
  if (itemSize({ ...item, ...snapshot }) > limit) return 'too_large';
  return {
    item,
    account,
    commit: {
      streamId: tail.streamId,
      version: first.version,
      count: events.length,
      at,
      commandId,
      commands: commands.length,
      hash,
      events: recorded,
      eventBytes,
      ...(rides ? { snapshot: account } : {}),
      snapshotVersion: rides ? version : tail.snapshotVersion,
    },
  };
};

/** A commit that has its one command's own id names it in few words. One that others wrote for it has an id of its own. */
const namesOf = (commandId: string, commands: readonly CommandEvents[]) => {
  const [only, ...others] = commands;
  if (only?.origin.commandId === commandId && others.length === 0) {
    return { actor: only.origin.actor, correlationId: only.origin.correlationId };
  }
  return { commands: commands.map(({ origin, events }) => ({ ...origin, count: events.length })) };
};

/**
 * The time of the commit that follows a tail: now, but never earlier than the commit before it.
 * @param now in milliseconds since 1970.
 */
export const timeOfNext = (tail: Tail, now: number): Timestamp => {
  const at = Timestamp.parse(new Date(now).toISOString());
  return tail.at && tail.at > at ? tail.at : at;
};
