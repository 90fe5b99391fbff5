import { type Timestamp, Version } from '../../../events/values.ts';
import {
  type Account,
  answerOf,
  type Command,
  decide,
  evolve,
  type Rejection,
} from '../../ledger/account.ts';
import { type CommandEvents, nextCommit, timeOfNext } from '../stream/append.ts';
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
  /** The stream as it will stand, where the write has a commit. */
  readonly tail?: Tail;
  /**
   * One for each command, in order. A `version_mismatch` is no decision: nothing is written for it.
   */
  readonly results: readonly CommandResult[];
}

/**
 * Decides commands one after the other, each on the account as the one before left it, and plans
 * one commit of all their events and a record of every outcome. Events are folded into the account
 * once, here.
 * @param tail the stream they are decided on.
 * @param batch at least one command of that stream; no key of theirs comes twice.
 * @param replaces the `writeId` of what each record may replace; keys that are not named must be
 *   free.
 * @param writeId the id of the write: new for each plan.
 * @param now in milliseconds since 1970.
 * @returns the plan, or `'too_large'` where the commit would near DynamoDB's limit for an item.
 */
export const planFor = (
  tail: Tail,
  batch: readonly Submission[],
  replaces: ReadonlyMap<RecordKey, string>,
  writeId: string,
  now: number,
): Plan | 'too_large' => {
  const at = timeOfNext(tail, now);
  const commands: CommandEvents[] = [];
  const results: CommandResult[] = [];
  const records: RecordWrite[] = [];
  let { account, version } = tail;
  for (const submission of batch) {
    const { command, keys, expectedVersions, origin, pendingId } = submission;
    if (expectedVersions && !expectedVersions.some((expected) => expected === version)) {
      results.push({ outcome: 'version_mismatch', currentVersion: version });
      continue;
    }
    const decision = decide(command, account);
    let outcome: Outcome;
    if (decision.outcome === 'rejected') {
      outcome = { outcome: 'rejected', at, rejection: decision.rejection };
    } else {
      const events = record(
        decision.events,
        Array<Origin>(decision.events.length).fill(origin),
        version + 1,
        at,
      );
      account = events.reduce<Account | undefined>(evolve, account);
      if (!account)
        throw new Error(`stream ${tail.streamId}: a command was accepted on no account`);
      version += events.length;
      if (events.length > 0) commands.push({ origin, events });
      const answer = answerOf(command, account, events, Version.parse(version));
      outcome = {
        outcome: 'accepted',
        version: Version.parse(version),
        at: version > tail.version ? at : (tail.at ?? at),
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
      const decided: CommandRecord = {
        ...envelope,
        fingerprint: submission.fingerprint,
        ...more,
        ...outcome,
      };
      records.push({ record: decided, replaces: replaces.get(key) });
    }
  }

  const next =
    account && commands.length > 0
      ? nextCommit(tail, writeId, { commands, account, at })
      : undefined;
  if (next === 'too_large') return next;
  return {
    ...(next || records.length > 0 ? { write: { writeId, commit: next?.item, records } } : {}),
    ...(next ? { tail: next.tail } : {}),
    results,
  };
};

type Outcome =
  | {
      readonly outcome: 'accepted';
      readonly version: Version;
      readonly at: Timestamp;
      readonly answer?: RecordedAnswer;
    }
  | { readonly outcome: 'rejected'; readonly at: Timestamp; readonly rejection: Rejection };
