import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { Timestamp, Version } from '../../events/values.ts';
import { Answer } from '../ledger/answer.ts';
import type { Command } from '../ledger/command.ts';
import { Rejection } from '../ledger/rejection.ts';
import type { CommandResult } from './command-result.ts';

const key = { streamId: z.string(), commandId: z.string(), request: z.string() };

/**
 * An item of the commands table: that a command was decided, and how. That there is none is the condition under which a
 * command's events are written, in the same transaction; so a command happens once.
 * `request` is the {@link fingerprint} of the command that holds the key.
 */
export const CommandRecord = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...key,
    outcome: z.literal('accepted'),
    version: Version,
    at: Timestamp,
    answer: z.optional(Answer),
  }),
  z.strictObject({ ...key, outcome: z.literal('rejected'), at: Timestamp, rejection: Rejection }),
  z.strictObject({ ...key, outcome: z.literal('pending'), at: Timestamp }),
]);
export type CommandRecord = z.infer<typeof CommandRecord>;

/**
 * What makes two commands the same: sha-256 over the command as canonical JSON (RFC 8785).
 * @returns base64url, 43 characters.
 */
export const fingerprint = (command: Command): string =>
  createHash('sha256')
    .update(canonicalize(command) ?? '')
    .digest('base64url');

/**
 * What a recorded command's sender hears again.
 * @param found the records under the command's keys, at least one.
 * @param request the fingerprint of the command that was sent now.
 * @param replayed whether it was decided before this request.
 * @returns the recorded outcome; `key_reused` where a key belongs to another command.
 */
export const recordedResult = (found: readonly CommandRecord[], request: string, replayed: boolean): CommandResult => {
  const [record] = found;
  if (!record) throw new Error('a recorded result needs a record');
  if (found.some((other) => other.request !== request)) return { outcome: 'key_reused' };
  switch (record.outcome) {
    case 'accepted': {
      const { version, at, answer } = record;
      return { outcome: 'accepted', version, at, answer, replayed };
    }
    case 'rejected':
      return { outcome: 'rejected', rejection: record.rejection, replayed };
    case 'pending':
      return { outcome: 'in_progress' };
  }
};
