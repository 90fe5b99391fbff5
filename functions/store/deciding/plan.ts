import {
  type AccountId,
  type Timestamp,
  type TransferId,
  Version,
} from '../../../events/values.ts';
import {
  type Account,
  type AccountAt,
  type Command,
  type Draw,
  decide,
  evolve,
  type Part,
  partsOf,
  type Rejection,
  refusalOfWhole,
  refusedPart,
  reversedBy,
} from '../../ledger/account.ts';
import { answerOf, postingAnswer } from '../../ledger/answers.ts';
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
import type { ReversedTotal, TotalWrite } from '../writing/reversed-total.ts';
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

/** What has to be read before a batch can be planned: how much of these transfers is reversed. */
interface Missing {
  readonly missing: readonly TransferId[];
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
 *   account refuses is not decided here, nor is any where a stream is dated ahead of now; but for
 *   a posting, which is decided here alone.
 * @param batch at least one command; no key of theirs comes twice.
 * @param replaces the `writeId` of what each record may replace; keys that are not named must be
 *   free.
 * @param writeId the id of the write: new for each plan.
 * @param now in milliseconds since 1970.
 * @param totals how much of each transfer is reversed, as far as the commands depend on it.
 * @returns the plan; `'too_large'` where a commit would near DynamoDB's limit for an item; or the
 *   totals that are missing.
 */
export const planFor = (
  tails: readonly Tail[],
  batch: readonly Submission[],
  replaces: ReadonlyMap<RecordKey, string>,
  writeId: string,
  now: number,
  totals: ReadonlyMap<TransferId, ReversedTotal> = new Map(),
): Plan | Missing | 'too_large' => {
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
  // Time is a claim: a clock that was ahead must not pass on from one stream to the others. A
  // posting has no other way to go, so each of its commits then has the time of its own stream.
  const isAhead = isAtOnce && at > timestampOf(now + MOST_AHEAD_MS);
  const timeOn = (tail: Tail) => (isAhead ? timeOfNext([tail], now) : at);
  const results: (CommandResult | NotAtOnce)[] = [];
  const records: RecordWrite[] = [];
  const missing = new Set<TransferId>();
  const drawn = new Map<TransferId, TotalWrite>();
  const reversedOf = (transferId: TransferId): number => {
    const total = drawn.get(transferId)?.total ?? totals.get(transferId);
    if (!total) missing.add(transferId);
    return total?.reversed ?? 0;
  };
  const drawFrom = ({ transferId, amount }: Draw) => {
    const replaces = totals.get(transferId)?.writeId;
    const total = { transferId, reversed: reversedOf(transferId) + amount, writeId };
    drawn.set(transferId, { total, replaces });
  };
  for (const submission of batch) {
    const { command, keys, expectedVersions, origin, pendingId } = submission;
    const { tail, version } = streamOf(command.accountId);
    if (expectedVersions && !expectedVersions.some((expected) => expected === version)) {
      results.push(
        isAtOnce ? NOT_AT_ONCE : { outcome: 'version_mismatch', currentVersion: version },
      );
      continue;
    }
    const parts = isAtOnce ? partsOf(command, streamOf) : aloneOf(command);
    if (!parts || (isAhead && command.type !== 'post')) {
      results.push(NOT_AT_ONCE);
      continue;
    }
    const whole = refusalOfWhole(command);
    const decisions = whole
      ? []
      : parts.map((part) => {
          const stream = streamOf(part.accountId);
          return decideOn(stream, part, origin, timeOn(stream.tail), reversedOf);
        });
    const decidedAt = timeOn(tail);
    const refused = refusedPart(command, decisions);
    const refusal = decisions[refused];
    // A posting has no other way to go.
    if (refusal && isAtOnce && command.type !== 'post') {
      results.push(NOT_AT_ONCE);
      continue;
    }
    let outcome: Outcome;
    const [own, ...others] = decisions.filter((decision) => decision.outcome === 'accepted');
    if (whole) {
      outcome = { outcome: 'rejected', at: decidedAt, rejection: whole };
    } else if (refusal?.outcome === 'rejected') {
      const { rejection } = refusal;
      const leg = command.type === 'post' ? { leg: refused } : {};
      outcome = { outcome: 'rejected', at: decidedAt, rejection: { ...rejection, ...leg } };
    } else if (!own) {
      throw new Error(`a ${command.type} was neither accepted nor rejected`);
    } else {
      const before = streamOf(command.accountId).account;
      for (const { stream, draw } of [own, ...others]) {
        streams.set(stream.tail.streamId, stream);
        if (draw) drawFrom(draw);
      }
      const { account, version: after } = own.stream;
      const { actor } = origin;
      const answer =
        command.type === 'post'
          ? postingAnswer(command, legsOf(command, [own, ...others]), decidedAt, actor)
          : answerOf({
              command: parts[0],
              before,
              account,
              events: own.events,
              version: after,
              actor,
            });
      outcome = {
        outcome: 'accepted',
        version: after,
        at: after > tail.version ? decidedAt : (tail.at ?? decidedAt),
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

  if (missing.size > 0) return { missing: [...missing] };
  const commits: NextCommit['item'][] = [];
  const after: Tail[] = [];
  for (const { tail, account, commands } of streams.values()) {
    const next =
      account && commands.length > 0
        ? nextCommit(tail, writeId, { commands, account, at: timeOn(tail) })
        : undefined;
    if (next === 'too_large') return next;
    if (next) commits.push(next.item);
    after.push(next?.tail ?? tail);
  }
  const write = { writeId, commits, records, totals: [...drawn.values()] };
  return {
    ...(commits.length > 0 || records.length > 0 ? { write } : {}),
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

/** A command that is for one account. */
const aloneOf = (command: Command): readonly [Part] => {
  if (command.type === 'post') throw new Error('a posting came to the lane of one account');
  return [command];
};

/** @returns the rejection, or the events and the stream as they leave it. */
const decideOn = (
  { tail, account, version, commands }: Planned,
  command: Part,
  origin: Origin,
  at: Timestamp,
  reversedOf: (transferId: TransferId) => number,
) => {
  const reversedTransfer = reversedBy(command, account);
  const reversed = reversedTransfer === undefined ? 0 : reversedOf(reversedTransfer);
  const decision = decide(command, account, { at, reversed });
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
  return { outcome: 'accepted' as const, stream, events, draw: decision.draw };
};

/** The legs of a posting that was accepted, in their order. */
const legsOf = (
  { legs }: Extract<Command, { type: 'post' }>,
  accepted: readonly {
    readonly stream: { readonly account: Account; readonly version: Version };
  }[],
) =>
  legs.map((leg, index) => {
    const landed = accepted[index];
    if (!landed) throw new Error(`the leg on ${leg.accountId} was not decided`);
    const { account, version } = landed.stream;
    return { ...leg, account, version };
  });

type Outcome =
  | {
      readonly outcome: 'accepted';
      readonly version: Version;
      readonly at: Timestamp;
      readonly answer?: RecordedAnswer;
    }
  | { readonly outcome: 'rejected'; readonly at: Timestamp; readonly rejection: Rejection };
