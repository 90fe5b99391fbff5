import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { type AccountEvent, type RecordedEvent, readEvent } from '../../events/event.ts';
import { AccountId, Caller, Timestamp, Version } from '../../events/values.ts';
import { ACCOUNT_SCHEMA, Account } from '../ledger/account.ts';

/** The events that one append wrote together: one item of the events table, keyed by its first event's version. */
export interface Commit {
  readonly streamId: AccountId;
  /** The version of its first event. */
  readonly version: Version;
  readonly count: number;
  /** Never earlier than the commit before it. */
  readonly at: Timestamp;
  readonly commandId: string;
  readonly actor: Caller;
  readonly correlationId: string;
  /** Follows from the commit before it and from this one's facts: see {@link chainHash}. */
  readonly hash: string;
  /** Upcast to their newest versions. */
  readonly events: readonly RecordedEvent[];
  /** What the events take on disk, in bytes of JSON: the measure by which snapshots are spaced. */
  readonly eventBytes: number;
  /** The account after this commit, where the commit carries it in the shape that this code folds. */
  readonly snapshot?: Account;
  /** The version of the latest commit that carries a snapshot; its own where it does. */
  readonly snapshotVersion: number;
}

const CommitItem = z.looseObject({
  streamId: AccountId,
  version: Version,
  count: z.int().check(z.gte(1)),
  events: z.array(z.unknown()),
  at: Timestamp,
  commandId: z.string(),
  actor: Caller,
  correlationId: z.string(),
  hash: z.string(),
  state: z.optional(z.unknown()),
  stateSchema: z.optional(z.int()),
  snapshotVersion: z.optional(z.int()),
});

/**
 * Reads a commit from an item of the events table.
 * @param item in the document client's form.
 * @returns the commit, its events upcast; a snapshot of another schema is left out.
 * @throws {Error} where the item is no commit, or holds an event this code does not know.
 */
export const readCommit = (item: unknown): Commit => {
  const parsed = CommitItem.safeParse(item);
  if (!parsed.success) throw new Error(`not a commit: ${z.prettifyError(parsed.error)}`);
  const { streamId, version, count, events, at, commandId, actor, correlationId, hash, state, stateSchema } =
    parsed.data;
  if (events.length !== count)
    throw new Error(`commit ${streamId}/${version} says ${count} events, has ${events.length}`);
  return {
    streamId,
    version,
    count,
    at,
    commandId,
    actor,
    correlationId,
    hash,
    events: record(events.map(readEvent), version, at),
    eventBytes: jsonBytes(events),
    ...(stateSchema === ACCOUNT_SCHEMA ? { snapshot: Account.parse(state) } : {}),
    snapshotVersion: parsed.data.snapshotVersion ?? version,
  };
};

/**
 * Gives events their place in a stream.
 * @param first the version of the first one; the others follow without a gap.
 * @param at the time of the commit that holds them.
 */
export const record = (events: readonly AccountEvent[], first: number, at: Timestamp): RecordedEvent[] =>
  events.map((event, index) => ({ ...event, version: Version.parse(first + index), at }));

/** What a commit says happened: the part of its item that its hash covers. A snapshot follows from it and is not covered. */
export interface CommitFacts {
  readonly streamId: AccountId;
  readonly version: number;
  readonly count: number;
  readonly events: readonly AccountEvent[];
  readonly at: Timestamp;
  readonly commandId: string;
  readonly actor: Caller;
  readonly correlationId: string;
}

/**
 * The hash that ties a commit to all before it: sha-256 over the previous commit's hash and this one's facts as canonical
 * JSON (RFC 8785). A commit changed afterwards no longer leads to the hash of the next.
 * @param previous the hash of the commit before it; empty for a stream's first.
 * @param facts as they are stored: the events in the versions they were written in.
 * @returns base64url, 43 characters.
 */
export const chainHash = (previous: string, facts: CommitFacts): string =>
  createHash('sha256')
    .update(previous)
    .update(canonicalize(facts) ?? '')
    .digest('base64url');

/** The bytes a value takes as JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
