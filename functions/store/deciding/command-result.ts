import type { Caller, Timestamp, Version } from '../../../events/values.ts';
import type { Command, Rejection } from '../../ledger/account.ts';
import type { DecidedRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';

/** A command, with what the store needs to decide it once and to record its sender. */
export interface CommandRequest {
  readonly command: Command;
  /**
   * The keys to record the outcome under; none: the command is not protected against being sent
   * twice.
   */
  readonly keys?: readonly RecordKey[];
  /**
   * `If-Match`: decide at one of these versions of the stream or not at all. An empty list holds
   * for no version: then only a record under a key is answered.
   */
  readonly expectedVersions?: readonly Version[] | undefined;
  /**
   * Whether the command may be carried out at once on all accounts it concerns, where nobody is in
   * its way: a transfer is then settled in its answer.
   */
  readonly atOnce?: boolean;
  /**
   * The command is decided only where its account belongs to this caller; absent: whoever it
   * belongs to. An account that is not there belongs to nobody.
   */
  readonly onlyFor?: Caller | undefined;
  readonly actor: Caller;
  readonly correlationId: string;
  /**
   * A place where the sender will look anyway once the command is accepted, and which tells the
   * outcome too.
   */
  readonly elsewhere?: Elsewhere | undefined;
}

/**
 * Another place that shows what became of a command. The store looks there first for a command that
 * queues: see `queue`.
 */
export interface Elsewhere {
  /** When the outcome is expected to show, in milliseconds since 1970. */
  readonly expectedAt: number;
  /**
   * @returns what became of the command; `undefined` where that does not show yet, or never will.
   */
  readonly look: () => Promise<CommandResult | undefined>;
}

/**
 * The answer to an accepted command, as it was recorded: plain JSON, the same for ever, whatever
 * code reads it.
 */
export type RecordedAnswer = Readonly<Record<string, unknown>>;

/** What became of a command. */
export type CommandResult =
  | {
      readonly outcome: 'accepted';
      /** The stream's version after it. */
      readonly version: Version;
      readonly at: Timestamp;
      /** What the caller hears; absent where there is nothing to tell. */
      readonly answer?: RecordedAnswer | undefined;
      /** It was decided earlier, under one of its keys. */
      readonly replayed: boolean;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection; readonly replayed: boolean }
  /**
   * The stream's version (0: there is no such stream) is none of `expectedVersions`: nothing was
   * decided or recorded.
   */
  | { readonly outcome: 'version_mismatch'; readonly currentVersion: number }
  /**
   * There is no such account, or it does not belong to `onlyFor`, which are not told apart: nothing
   * was decided, and no record was written or read.
   */
  | { readonly outcome: 'not_theirs' }
  /** One of its keys belongs to another command: nothing was decided. */
  | { readonly outcome: 'key_reused' }
  /** It is in its account's queue, and will be decided; `key` will have its outcome. */
  | { readonly outcome: 'pending'; readonly key: RecordKey }
  /** It was sent before, and is not decided yet. */
  | { readonly outcome: 'in_progress' }
  | {
      readonly outcome: 'undecided';
      readonly reason: UndecidedReason;
      /** The error, where more time would not have helped. */
      readonly cause?: unknown;
    };

/**
 * Why a command was not decided. `contention`, `throttled`, `unavailable`: the time allowed ran
 * out, and this request wrote nothing. An earlier request that it repeats may have written: a
 * repeat under the same key hears that. `unknown`: the time ran out while a write's result was
 * unknown; a repeat under the same key will tell. `commit_too_large`: the account has so much open
 * that its commit would near DynamoDB's 400 KB for an item; nothing was written.
 * `record_unreadable`: other code than this wrote a record under one of its keys, and only that
 * code can tell.
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
