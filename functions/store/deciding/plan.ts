import { type AccountId, type Timestamp, Version } from '../../../events/values.ts';
import {
  type Account,
  type AccountAt,
  answerOf,
  type Command,
  decide,
  evolve,
  type Part,
  partsOf,
  type Rejection,
} from '../../ledger/account.ts';
import {
  type CommandEvents,
  type NextCommit,
  nextCommit,
  timeOfNext,
  timestampOf,
} from '../stream/append.ts';
import { type Origin, record } from '../stream/commit.ts';
import type { Tail } from '../stream/tail.ts';
import { type CommandRecord, fingerprint, RECORD_SCHEMA } from '../writing/command-record.ts';
import { commandIdOf, type RecordKey } from '../writing/record-key.ts';
import type { RecordWrite, Write } from '../writing/write.ts';
import type { CommandRequest, CommandResult, RecordedAnswer } from './command-result.ts';

/** A command to decide, with the facts that its records keep. */
export interface Submission {
  readonly command: Command;
  readonly fingerprint: string;
  readonly keys: readonly RecordKey[];
  readonly expectedVersions?: readonly Version[] | undefined;
  readonly origin: Origin;
  /** Its `writeId` in the queue, where it comes from there. */
  readonly pendingId?: string;
}

/**
 * Prepares a request for deciding: adds its command's fingerprint and, where it has no key, an id
 * of its own.
 */
export const submissionOf = (
  { newId }: { readonly newId: () => string },
  { command, keys = [], expectedVersions, actor, correlationId }: CommandRequest,
): Submission => ({
  command,
  fingerprint: fingerprint(command),
  keys,
  expectedVersions,
  origin: { commandId: keys[0] ? commandIdOf(keys[0]) : newId(), actor, correlationId },
});

/**
 * The write for a batch of commands, and the results that their senders hear once it has landed.
 */
export interface Plan {
  /** Absent where there is nothing to keep: no events, and no key to record an outcome under. */
  readonly write?: Write;
  /** The streams as they will stand, where the write has commits. */
  readonly tails?: readonly Tail[];
  /**
   * One for each command, in order. Nothing is written for a `version_mismatch`, which is no
   * decision, nor for a command that is `not_at_once`: one of its accounts refuses its part.
   */
  readonly results: readonly (CommandResult | NotAtOnce)[];
}

/** A command that cannot be carried out on all its accounts at once. */
interface NotAtOnce {
  readonly outcome: 'not_at_once';
}

/** A stream as the commands before it in the batch leave it. */
interface Planned extends AccountAt {
  readonly tail: Tail;
  readonly commands: CommandEvents[];
}

/**
 * Decides commands one after the other, each on the accounts as the one before left them, and plans
 * one write of all their events, a commit for each stream, and a record of every outcome. Events
 * are folded into the accounts once, here.
 * @param tails the streams they are decided on. With one, every command is for that account. With
 *   several, every command is carried out on all its accounts at once or not at all: one that an
 *   account refuses is not decided here, nor is any where a stream is dated ahead of now.
 * @param batch at least one command; no key of theirs comes twice.
 * @param replaces the `writeId` of what each record may replace; keys that are not named must be
 *   free.
 * @param writeId the id of the write: new for each plan.
 * @param now in milliseconds since 1970.
 * @returns the plan, or `'too_large'` where a commit would near DynamoDB's limit for an item.
 */
export const planFor = (
  tails: readonly Tail[],
  batch: readonly Submission[],
  replaces: ReadonlyMap<RecordKey, string>,
  writeId: string,
  now: number,
): Plan | 'too_large' => {
  const at = timeOfNext(tails, now);
  const streams = new Map<AccountId, Planned>(
    tails.map((tail) => [tail.streamId, { ...tail, tail, commands: [] }]),
  );
  const streamOf = (accountId: AccountId): Planned => {
    const stream = streams.get(accountId);
    if (!stream) throw new Error(`a command on ${accountId} came to the lane of another account`);
    return stream;
  };
  const isAtOnce = tails.length > 1;
  // Time is a claim: a clock that was ahead must not pass on from one stream to the others.
  const isAhead = isAtOnce && at > timestampOf(now + MOST_AHEAD_MS);
  const results: (CommandResult | NotAtOnce)[] = [];
  const records: RecordWrite[] = [];
  for (const submission of batch) {
    const { command, keys, expectedVersions, origin, pendingId } = submission;
    const { tail, version } = streamOf(command.accountId);
    if (expectedVersions && !expectedVersions.some((expected) => expected === version)) {
      results.push(
        isAtOnce ? NOT_AT_ONCE : { outcome: 'version_mismatch', currentVersion: version },
      );
      continue;
    }
    const parts = isAtOnce ? partsOf(command, streamOf) : ([command] as const);
    if (!parts || isAhead) {
      results.push(NOT_AT_ONCE);
      continue;
    }
    const decisions = parts.map((part) => decideOn(streamOf(part.accountId), part, origin, at));
    const refusal = decisions.find((decision) => decision.outcome === 'rejected');
    if (refusal && isAtOnce) {
      results.push(NOT_AT_ONCE);
      continue;
    }
    let outcome: Outcome;
    const [own, ...others] = decisions.filter((decision) => decision.outcome === 'accepted');
    if (refusal) {
      outcome = { outcome: 'rejected', at, rejection: refusal.rejection };
    } else if (!own) {
      throw new Error(`a ${command.type} was neither accepted nor rejected`);
    } else {
      for (const { stream } of [own, ...others]) streams.set(stream.tail.streamId, stream);
      const { account, version: after } = own.stream;
      const answer = answerOf(parts[0], account, own.events, after);
      outcome = {
        outcome: 'accepted',
        version: after,
        at: after > tail.version ? at : (tail.at ?? at),
        ...(answer === undefined ? {} : { answer }),
      };
    }
    results.push({ ...outcome, replayed: false });
    for (const key of keys) {
      const envelope = {
        key,
        accountId: command.accountId,
        schema: RECORD_SCHEMA,
        writeId,
      } as const;
      const more = {
        ...(batch.length > 1 ? { batch: batch.length } : {}),
        ...(pendingId ? { pendingId } : {}),
      };
      const record: CommandRecord = {
        ...envelope,
        fingerprint: submission.fingerprint,
        ...more,
        ...outcome,
      };
      records.push({ record, replaces: replaces.get(key) });
    }
  }

  const commits: NextCommit['item'][] = [];
  const after: Tail[] = [];
  for (const { tail, account, commands } of streams.values()) {
    const next =
      account && commands.length > 0
        ? nextCommit(tail, writeId, { commands, account, at })
        : undefined;
    if (next === 'too_large') return next;
    if (next) commits.push(next.item);
    after.push(next?.tail ?? tail);
  }
  return {
    ...(commits.length > 0 || records.length > 0 ? { write: { writeId, commits, records } } : {}),
    ...(commits.length > 0 ? { tails: after } : {}),
    results,
  };
};

/**
 * How far ahead of now, in milliseconds, a stream's last commit may be dated where another stream's
 * next one takes its time.
 */
const MOST_AHEAD_MS = 1_000;

const NOT_AT_ONCE: NotAtOnce = { outcome: 'not_at_once' };

/** @returns the rejection, or the events and the stream as they leave it. */
const decideOn = (
  { tail, account, version, commands }: Planned,
  command: Part,
  origin: Origin,
  at: Timestamp,
) => {
  const decision = decide(command, account);
  if (decision.outcome === 'rejected') return decision;
  const origins = Array<Origin>(decision.events.length).fill(origin);
  const events = record(decision.events, origins, version + 1, at);
  const after = events.reduce<Account | undefined>(evolve, account);
  if (!after) throw new Error(`stream ${tail.streamId}: a command was accepted on no account`);
  const stream = {
    tail,
    account: after,
    version: Version.parse(version + events.length),
    commands: events.length > 0 ? [...commands, { origin, events }] : commands,
  };
  return { outcome: 'accepted' as const, stream, events };
};

type Outcome =
  | {
      readonly outcome: 'accepted';
      readonly version: Version;
      readonly at: Timestamp;
      readonly answer?: RecordedAnswer;
    }
  | { readonly outcome: 'rejected'; readonly at: Timestamp; readonly rejection: Rejection };
