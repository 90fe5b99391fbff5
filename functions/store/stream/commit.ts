import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { type AccountEvent, type RecordedEvent, readEvent } from '../../../events/event.ts';
import { AccountId, Caller, Timestamp, Version } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA, Account } from '../../ledger/account.ts';

/**
 * The origin of an event: the command it follows from, its sender, and the request it belongs to.
 */
export interface Origin {
  readonly commandId: string;
  readonly actor: Caller;
  readonly correlationId: string;
}

/** An event in a commit, with its origin. */
export type CommittedEvent = RecordedEvent & { readonly origin: Origin };

/**
 * The events that one append wrote together: one item of the events table, keyed by its first
 * event's version.
 */
export interface Commit {
  readonly streamId: AccountId;
  /** The version of its first event. */
  readonly version: Version;
  readonly count: number;
  /** Never earlier than the commit before it. */
  readonly at: Timestamp;
  /**
   * The call that wrote the commit made this id and recognizes its own commit by it: no other write
   * ever has the same.
   */
  readonly writeId: string;
  /** How many commands it decided, as far as they led to events. */
  readonly batch: number;
  /** Follows from the commit before it and from this one's facts: see {@link chainHash}. */
  readonly hash: string;
  /** Upcast to their newest versions. */
  readonly events: readonly CommittedEvent[];
  /** The size of the events, in bytes of JSON: the spacing of snapshots depends on it. */
  readonly eventBytes: number;
  /**
   * The account after this commit, where the commit carries it in a schema that this code reads.
   */
  readonly snapshot?: Account;
  /**
   * Where the latest snapshot is, up to and with this commit, for each schema that was ever
   * written.
   */
  readonly snapshots: SnapshotVersions;
}

/** The version of the latest commit that carries a snapshot of a schema, by the schema's number. */
export type SnapshotVersions = Readonly<Record<string, number>>;

// Reading passes over attributes that this code does not know, but never over an event: each is
// read in its own version, or the commit is not read at all.
const CommitItem = z.object({
  streamId: AccountId,
  version: Version,
  count: z.int().check(z.gte(1)),
  events: z.array(z.unknown()),
  at: Timestamp,
  writeId: z.string(),
  commandId: z.optional(z.string()),
  actor: z.optional(Caller),
  correlationId: z.optional(z.string()),
  commands: z.optional(
    z.array(
      z.object({ commandId: z.string(), actor: Caller, correlationId: z.string(), count: z.int() }),
    ),
  ),
  hash: z.string(),
  state: z.optional(z.unknown()),
  stateSchema: z.optional(z.int()),
  snapshots: z.record(z.string(), z.int()),
});

/**
 * Reads a commit from an item of the events table.
 * @param item in the document client's form.
 * @returns the commit, its events upcast, without a snapshot of another schema or one that cannot
 *   be read.
 * @throws {Error} where the item is no commit, or holds an event that this code does not know.
 */
export const readCommit = (item: unknown): Commit => {
  const parsed = CommitItem.safeParse(item);
  if (!parsed.success) throw new Error(`not a commit: ${z.prettifyError(parsed.error)}`);
  const { streamId, version, count, events, at, writeId, hash, state, stateSchema, snapshots } =
    parsed.data;
  const origins = originsOf(parsed.data);
  if (events.length !== count || origins.length !== count) {
    throw new Error(
      `commit ${streamId}/${version} says ${count} events; it has ${events.length}, of ${origins.length} known origin`,
    );
  }
  const snapshot = stateSchema === ACCOUNT_SCHEMA ? Account.safeParse(state).data : undefined;
  return {
    streamId,
    version,
    count,
    at,
    writeId,
    batch: parsed.data.commands?.length ?? 1,
    hash,
    events: record(events.map(readEvent), origins, version, at),
    eventBytes: jsonBytes(events),
    ...(snapshot ? { snapshot } : {}),
    snapshots,
  };
};

const originsOf = ({
  commandId,
  actor,
  correlationId,
  commands,
  count,
}: z.infer<typeof CommitItem>): Origin[] => {
  if (commands)
    return commands.flatMap(({ count: events, ...origin }) => Array<Origin>(events).fill(origin));
  return commandId && actor && correlationId
    ? Array<Origin>(count).fill({ commandId, actor, correlationId })
    : [];
};

/**
 * Gives events their place in a stream.
 * @param origins the origin of each of them.
 * @param first the version of the first one; the others follow without a gap.
 * @param at the time of the commit that holds them.
 */
export const record = (
  events: readonly AccountEvent[],
  origins: readonly Origin[],
  first: number,
  at: Timestamp,
): CommittedEvent[] =>
  events.map((event, index) => {
    const origin = origins[index];
    if (!origin) throw new Error(`nobody caused event ${first + index}`);
    return { ...event, version: Version.parse(first + index), at, origin };
  });

/**
 * The facts of a commit: the part of its item that its hash covers. A snapshot follows from them
 * and is not covered. `commandId`, `actor` and `correlationId` are those of its one command; for a
 * batch, `commands` has them for each command, with how many of the events it caused, in order.
 */
export type CommitFacts = {
  readonly streamId: AccountId;
  readonly version: number;
  readonly count: number;
  readonly events: readonly AccountEvent[];
  readonly at: Timestamp;
  readonly writeId: string;
} & (Origin | { readonly commands: readonly (Origin & { readonly count: number })[] });

/**
 * The hash that ties a commit to all before it: sha-256 over the previous commit's hash and this
 * one's facts as canonical JSON (RFC 8785). The hash of a commit that was changed afterwards no
 * longer leads to the hash of the next.
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
