import { createHash } from 'node:crypto';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { Caller, Timestamp, Version } from '../../../events/values.ts';
import { Answer } from '../../ledger/answer.ts';
import { Command } from '../../ledger/command.ts';
import { Rejection } from '../../ledger/rejection.ts';
import type { CommandKey, CommandResult } from './command-result.ts';

const key = { streamId: z.string(), commandId: z.string(), request: z.string() };

/** How many commands were decided in one transaction, where it was more than one: the account was hot. */
const together = z.optional(z.int());

/** A command that has claimed its key and waits to be decided: all that whoever decides it needs. */
export const PendingCommand = z.strictObject({
  ...key,
  outcome: z.literal('pending'),
  at: Timestamp,
  command: Command,
  actor: Caller,
  correlationId: z.string(),
});
export type PendingCommand = z.infer<typeof PendingCommand>;

/**
 * An item of the commands table: that a command was decided, and how, or that it waits for it. That there is none is the
 * condition under which a command's events are written, in the same transaction; so a command happens once.
 * `request` is the {@link fingerprint} of the command that holds the key.
 */
export const CommandRecord = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...key,
    outcome: z.literal('accepted'),
    version: Version,
    at: Timestamp,
    answer: z.optional(Answer),
    together,
  }),
  z.strictObject({ ...key, outcome: z.literal('rejected'), at: Timestamp, rejection: Rejection, together }),
  PendingCommand,
]);
export type CommandRecord = z.infer<typeof CommandRecord>;

/** The record of a command that has been decided. */
export type DecidedCommand = Exclude<CommandRecord, PendingCommand>;

/**
 * What makes two commands the same: sha-256 over the command as canonical JSON (RFC 8785).
 * @returns base64url, 43 characters.
 */
export const fingerprint = (command: Command): string =>
  createHash('sha256')
    .update(canonicalize(command) ?? '')
    .digest('base64url');

/** What the sender of a decided command hears; `replayed` where it was decided before the request that asks. */
export const resultOf = (record: DecidedCommand, replayed: boolean): CommandResult => {
  if (record.outcome === 'rejected') return { outcome: 'rejected', rejection: record.rejection, replayed };
  const { version, at, answer } = record;
  return { outcome: 'accepted', version, at, ...(answer === undefined ? {} : { answer }), replayed };
};

/**
 * Reads what is recorded under a key, strongly consistent.
 * @returns the record, or `undefined` where the key is free.
 */
export const findRecord = async (
  { client, commandsTable }: { readonly client: DynamoDBDocumentClient; readonly commandsTable: string },
  { streamId, commandId }: CommandKey,
): Promise<CommandRecord | undefined> => {
  const { Item } = await client.send(
    new GetCommand({ TableName: commandsTable, Key: { streamId, commandId }, ConsistentRead: true }),
  );
  return Item && CommandRecord.parse(Item);
};
