import type { AccountEvent } from '../../../events/event.ts';
import { type AccountId, Timestamp } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA, type Account, available } from '../../ledger/account.ts';
import {
  type CommitFacts,
  type CommittedEvent,
  chainHash,
  jsonBytes,
  type Origin,
} from './commit.ts';
import { itemSize } from './item-size.ts';
import type { Tail } from './tail.ts';

/**
 * The largest commit that the store writes, in bytes: DynamoDB's 400 KB
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html) less a margin
 * for the estimate of sizes.
 */
const MAX_COMMIT_BYTES = 390_000;

/**
 * The largest commit that may reserve, in bytes. It is below the other limit, so that an account
 * full of reservations can still receive money and end every one of them: those commits carry the
 * same state and a few hundred bytes more.
 */
const MAX_RESERVING_BYTES = 370_000;

/**
 * Up to this size, in bytes of JSON, a snapshot rides in every commit: a load is then a query of
 * one item.
 */
const SMALL_SNAPSHOT_BYTES = 1_024;

/** The events that follow from one command, at their places in the stream. */
export interface CommandEvents {
  readonly origin: Origin;
  readonly events: readonly CommittedEvent[];
}

/** What follows from a batch of commands for an account. */
export interface DecidedBatch {
  /** The commands that led to events, in the order they were decided. */
  readonly commands: readonly CommandEvents[];
  /** The account with all those events applied. */
  readonly account: Account;
  /** The time of the commit: see {@link timeOfNext}. */
  readonly at: Timestamp;
}

/** A commit that is ready to write after a tail, and the stream as it will stand. */
export interface NextCommit {
  /** The stream once it is written. */
  readonly tail: Tail;
  /** The item of the events table. */
  readonly item: Readonly<Record<string, unknown>> & {
    readonly streamId: AccountId;
    readonly version: number;
  };
}

/**
 * Builds the commit that appends events to a stream: its key, its place in the hash chain, and its
 * snapshot, where the size rule wants one: always while the state is small, else once the events
 * since the last one are as large as it is, so that snapshots at most double what is stored and a
 * load reads back at most as many bytes of events as the state itself has.
 * @param tail the stream that the commit is to follow.
 * @param writeId the id by which the writer will recognize its own commit; no other write has it.
 * @param batch the commands' events, decided on that tail and folded into the account already.
 * @returns the commit, or `'too_large'` where it, with its snapshot, would near DynamoDB's limit
 *   for an item. The snapshot counts whether it rides or not: a stream must always be able to write
 *   one.
 * @throws {Error} where the events break what must always hold: a bug in the ledger, and nothing
 *   may be written.
 */
export const nextCommit = (
  tail: Tail,
  writeId: string,
  { commands, account, at }: DecidedBatch,
): NextCommit | 'too_large' => {
  const { streamId } = tail;
  const version = tail.version + 1;
  const events = commands.flatMap((command) => command.events);
  if (events.length === 0) throw new Error(`stream ${streamId}: a commit holds at least one event`);
  if (events.some((event, index) => event.version !== version + index)) {
    throw new Error(
      `stream ${streamId}: the events after version ${tail.version} are not the next ones`,
    );
  }
  if (available(account) < -account.overdraftLimit) {
    throw new Error(`stream ${streamId}: version ${version} would spend more than there is`);
  }

  const stored = events.map(factOf);
  const facts: CommitFacts = {
    streamId,
    version,
    count: events.length,
    events: stored,
    at,
    writeId,
    ...originsOf(commands),
  };
  const hash = chainHash(tail.hash, facts);
  const reserves = events.filter(({ type }) => TO_CARRY_OUT.has(type)).length;
  const setsAside = events.some(({ type }) => SETTING_ASIDE.has(type));
  const eventBytes = jsonBytes(stored);
  const snapshot = { state: account, stateSchema: ACCOUNT_SCHEMA };
  const stateBytes = jsonBytes(account);
  const rides =
    stateBytes <= SMALL_SNAPSHOT_BYTES || tail.bytesSinceSnapshot + eventBytes >= stateBytes;
  const snapshots = rides ? { ...tail.snapshots, [ACCOUNT_SCHEMA]: version } : tail.snapshots;

  const item = {
    ...facts,
    hash,
    ...(reserves > 0 ? { reserves } : {}),
    ...(rides ? snapshot : {}),
    snapshots,
  };
  const limit = setsAside ? MAX_RESERVING_BYTES : MAX_COMMIT_BYTES;
  if (itemSize({ ...item, ...snapshot }) > limit) return 'too_large';
  return {
    item,
    tail: {
      streamId,
      version: tail.version + events.length,
      account,
      at,
      hash,
      batch: commands.length,
      snapshots,
      bytesSinceSnapshot: rides ? 0 : tail.bytesSinceSnapshot + eventBytes,
    },
  };
};

/** The events after which a transfer is to be carried out: their commits are found by `reserves`. */
const TO_CARRY_OUT: ReadonlySet<string> = new Set(['MoneyReserved', 'HoldCaptured']);

/** The events by which an account has more reservations than before. */
const SETTING_ASIDE: ReadonlySet<string> = new Set(['MoneyReserved', 'MoneyHeld']);

/** An event as it is stored: the commit has its place, its time and its origin. */
const factOf = ({ version: _, at: __, origin: ___, ...event }: CommittedEvent): AccountEvent =>
  event;

/**
 * The origins as a commit stores them: those of one command as plain attributes, those of a batch
 * as a list with each command's number of events.
 */
const originsOf = (commands: readonly CommandEvents[]) => {
  const [only, ...others] = commands;
  if (only && others.length === 0) return only.origin;
  return { commands: commands.map(({ origin, events }) => ({ ...origin, count: events.length })) };
};

/**
 * The time of the commits that follow tails: now, but never earlier than a commit before them.
 * @param now in milliseconds since 1970.
 */
export const timeOfNext = (tails: readonly Tail[], now: number): Timestamp =>
  tails.reduce((at, tail) => (tail.at && tail.at > at ? tail.at : at), timestampOf(now));

/** @param now in milliseconds since 1970. */
export const timestampOf = (now: number): Timestamp => Timestamp.parse(new Date(now).toISOString());
