import type { Caller, Timestamp, Version } from '../../../events/values.ts';
import type { Command, Rejection } from '../../ledger/account.ts';
import type { DecidedRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';

/** A command, with what the store needs to decide it once and to say afterwards who asked. */
export interface CommandRequest {
  readonly command: Command;
  /**
   * Under which keys the outcome is recorded; none: the command is not protected against being sent
   * twice.
   */
  readonly keys?: readonly RecordKey[];
  /**
   * `If-Match`: decide at one of these versions of the stream or not at all; none: what was asked
   * for can be no version, and only what is recorded under a key is answered.
   */
  readonly expectedVersions?: readonly Version[] | undefined;
  readonly actor: Caller;
  readonly correlationId: string;
  /**
   * Where the sender will look anyway, once the command is accepted, and what it finds there tells
   * the outcome too.
   */
  readonly elsewhere?: Elsewhere | undefined;
}

/**
 * Another place that shows what became of a command. A command that queues is looked for there
 * first: see `queue`.
 */
export interface Elsewhere {
  /** When it is expected to show, in milliseconds since 1970. */
  readonly expectedAt: number;
  /** @returns what became of the command; `undefined` where that does not show, or not yet. */
  readonly look: () => Promise<CommandResult | undefined>;
}

/**
 * What the caller of an accepted command is told, as it was recorded: plain JSON, the same for
 * ever, whatever code reads it.
 */
export type RecordedAnswer = Readonly<Record<string, unknown>>;

/** What became of a command. */
export type CommandResult =
  | {
      readonly outcome: 'accepted';
      /** The stream's version after it. */
      readonly version: Version;
      readonly at: Timestamp;
      /** What the caller is told; absent where there is nothing to tell. */
      readonly answer?: RecordedAnswer | undefined;
      /** It was decided earlier, under one of its keys. */
      readonly replayed: boolean;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection; readonly replayed: boolean }
  /**
   * None of `expectedVersions` is the stream's version (0: there is no such stream): nothing was
   * decided or recorded.
   */
  | { readonly outcome: 'version_mismatch'; readonly currentVersion: number }
  /** One of its keys belongs to another command: nothing was decided. */
  | { readonly outcome: 'key_reused' }
  /**
   * It is in its account's queue, and will be decided; its outcome will be recorded under `key`.
   */
  | { readonly outcome: 'pending'; readonly key: RecordKey }
  /** It was sent before, and is not decided yet. */
  | { readonly outcome: 'in_progress' }
  | {
      readonly outcome: 'undecided';
      readonly reason: UndecidedReason;
      /** What failed, where that is no matter of time. */
      readonly cause?: unknown;
    };

/**
 * Why a command was not decided. `contention`, `throttled`, `unavailable`: the time allowed ran
 * out, and nothing was written by this request. One that it repeats may have been: under the same
 * key that is heard. `unknown`: it ran out while a write's result was unknown; a repeat under the
 * same key will tell. `commit_too_large`: the account has so much open that its commit would near
 * DynamoDB's 400 KB for an item; nothing was written. `record_unreadable`: a record under one of
 * its keys was written by other code than this, which alone can tell.
 */
export type UndecidedReason =
  | 'contention'
  | 'throttled'
  | 'unavailable'
  | 'unknown'
  | 'commit_too_large'
  | 'record_unreadable';

/**
 * What the sender of a decided command hears; `replayed` where it was decided before the request
 * that asks.
 */
export const resultOf = (record: DecidedRecord, replayed: boolean): CommandResult => {
  if (record.outcome === 'rejected')
    return { outcome: 'rejected', rejection: record.rejection, replayed };
  const { version, at, answer } = record;
  return {
    outcome: 'accepted',
    version,
    at,
    ...(answer === undefined ? {} : { answer }),
    replayed,
  };
};
