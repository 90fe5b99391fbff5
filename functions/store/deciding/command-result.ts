import type { Caller, Timestamp, Version } from '../../../events/values.ts';
import type { Answer } from '../../ledger/answer.ts';
import type { Command } from '../../ledger/command.ts';
import type { Rejection } from '../../ledger/rejection.ts';

/** Where a command's outcome is recorded: a key that makes it happen once. */
export interface CommandKey {
  /** The account the key belongs to. */
  readonly streamId: string;
  readonly commandId: string;
}

/** A command, with what the store needs to decide it once and to say afterwards who asked. */
export interface CommandRequest {
  readonly command: Command;
  /** Under which keys the outcome is recorded; none: the command is not protected against being sent twice. */
  readonly keys?: readonly CommandKey[];
  /** `If-Match`: decide at this version of the stream or not at all. */
  readonly expectedVersion?: Version | undefined;
  readonly actor: Caller;
  readonly correlationId: string;
  /** Where the sender will look anyway, once the command is accepted, and what it finds there tells the outcome too. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** Another place that shows what became of a command. A command that queues is looked for there first: see `queue`. */
export interface Elsewhere {
  /** When it is expected to show, in milliseconds since 1970. */
  readonly expectedAt: number;
  /** @returns what became of the command; `undefined` where that does not show, or not yet. */
  readonly look: () => Promise<CommandResult | undefined>;
}

/** What became of a command. */
export type CommandResult =
  | {
      readonly outcome: 'accepted';
      /** The stream's version after it. */
      readonly version: Version;
      readonly at: Timestamp;
      /** What the caller is told; absent where there is nothing to tell. */
      readonly answer?: Answer | undefined;
      /** It was decided earlier, under one of its keys. */
      readonly replayed: boolean;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection; readonly replayed: boolean }
  /** `expectedVersion` is not the stream's version (0: there is no such stream): nothing was decided or recorded. */
  | { readonly outcome: 'version_mismatch'; readonly currentVersion: number }
  /** One of its keys belongs to another command: nothing was decided. */
  | { readonly outcome: 'key_reused' }
  /** It waits for its account, which is hot, and will be decided; its outcome will be recorded under `key`. */
  | { readonly outcome: 'pending'; readonly key: CommandKey }
  /** It was sent before, and still waits to be decided. */
  | { readonly outcome: 'in_progress' }
  | { readonly outcome: 'undecided'; readonly reason: Undecided };

/**
 * Why a command was not decided.
 * `contention`, `throttled`, `unavailable`: the time allowed ran out, and nothing was written.
 * `unknown`: it ran out while a write's result was unknown; a repeat under the same key will tell.
 * `commit_too_large`: the account has so much open that its commit would near DynamoDB's 400 KB for an item; nothing was written.
 */
export type Undecided = 'contention' | 'throttled' | 'unavailable' | 'unknown' | 'commit_too_large';
