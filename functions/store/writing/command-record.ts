import { createHash } from 'node:crypto';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { AccountId, Caller, Timestamp, Version } from '../../../events/values.ts';
import { COMMAND_SCHEMA, Command, Rejection } from '../../ledger/account.ts';
import { answered } from '../../runtime/answered.ts';
import type { RecordKey } from './record-key.ts';

/**
 * The version of the records' shape. Attributes may be added under the same number, and code that
 * does not know them passes over them; a change to what a record means counts the number up. No
 * code acts on a record of another number.
 */
export const RECORD_SCHEMA = 1;

/**
 * Whether an item of the commands table is a record: beside them stands how much of a transfer is
 * reversed.
 */
export const isRecordItem = ({ key }: Readonly<Record<string, unknown>>): boolean => isKey(key);

const isKey = (key: unknown): key is RecordKey =>
  typeof key === 'string' && /^(?:command|credit|posting):.+$/.test(key);

const Key = z.custom<RecordKey>(isKey, 'must be the key of a record');

/**
 * What every record says. `writeId` is that of the write that put it there: a record is replaced
 * only on the condition that it still has it.
 */
const envelope = {
  key: Key,
  accountId: AccountId,
  schema: z.literal(RECORD_SCHEMA),
  fingerprint: z.string(),
  writeId: z.string(),
  at: Timestamp,
};

/**
 * What a decided record adds: how many commands were in its batch, and the `writeId` that it had
 * while it was pending.
 */
const decided = { batch: z.optional(z.int()), pendingId: z.optional(z.string()) };

/**
 * All that deciding a pending command takes. It is in the command's records, and in its account's
 * queue.
 */
export const PendingCommand = z.object({
  accountId: AccountId,
  schema: z.literal(RECORD_SCHEMA),
  commandSchema: z.int().check(z.gte(1), z.lte(COMMAND_SCHEMA)),
  fingerprint: z.string(),
  writeId: z.string(),
  at: Timestamp,
  /** All keys that the command has claimed. */
  keys: z.array(Key).check(z.minLength(1)),
  command: Command,
  actor: Caller,
  correlationId: z.string(),
});
export type PendingCommand = z.infer<typeof PendingCommand>;

const PendingRecord = z.extend(PendingCommand, { key: Key, outcome: z.literal('pending') });
export type PendingRecord = z.infer<typeof PendingRecord>;

/**
 * A key that a request of many commands has claimed. Each of them has its own record, so nothing
 * more is to be told here: to any one command the key is another's.
 */
const Claim = z.object({
  key: Key,
  schema: z.literal(RECORD_SCHEMA),
  fingerprint: z.string(),
  writeId: z.string(),
  at: Timestamp,
  outcome: z.literal('claimed'),
});

/**
 * An item of the commands table: what became of a command under a key. A transaction writes it and
 * the command's events on the condition that there is none yet, or one that may be replaced; so a
 * command happens once.
 *
 * No record is ever deleted, and so no key becomes free. `given_up` marks a pending command that
 * could not be decided: nothing was done, and only a repeat of the same command may replace it.
 */
export const CommandRecord = z.discriminatedUnion('outcome', [
  z.object({
    ...envelope,
    ...decided,
    outcome: z.literal('accepted'),
    version: Version,
    /** Kept as the caller heard it: see `RecordedAnswer`. */
    answer: z.optional(z.record(z.string(), z.unknown())),
  }),
  z.object({ ...envelope, ...decided, outcome: z.literal('rejected'), rejection: Rejection }),
  z.object({ ...envelope, outcome: z.literal('given_up'), pendingId: z.string() }),
  Claim,
  PendingRecord,
]);
export type CommandRecord = z.infer<typeof CommandRecord>;

/** The record of a command that has been decided. */
export type DecidedRecord = Extract<CommandRecord, { outcome: 'accepted' | 'rejected' }>;

/** A record that this code cannot read: nothing may be concluded from it. */
export interface UnreadableRecord {
  readonly outcome: 'unreadable';
  readonly key: RecordKey;
}

/**
 * A record as its item. The answer is kept as text, so that it comes back with its members in the
 * same order, for ever.
 */
export const recordItem = (record: CommandRecord): Readonly<Record<string, unknown>> =>
  record.outcome === 'accepted' && record.answer
    ? { ...record, answer: JSON.stringify(record.answer) }
    : record;

/**
 * Reads an item of the commands table, and passes over attributes that this code does not know.
 * @throws {Error} where the item does not even say which key it stands under.
 */
export const readRecord = (
  item: Readonly<Record<string, unknown>>,
): CommandRecord | UnreadableRecord => {
  const { success, data } = CommandRecord.safeParse({
    ...item,
    answer: readAnswer(item['answer']),
  });
  return success ? data : { outcome: 'unreadable', key: Key.parse(item['key']) };
};

const readAnswer = (answer: unknown): unknown => {
  try {
    return typeof answer === 'string' ? JSON.parse(answer) : answer;
  } catch {
    return answer;
  }
};

/**
 * Two commands are the same where this is: sha-256 over the command as canonical JSON (RFC 8785).
 * Records outlive the code: a field that is added to a command must be absent where a client does
 * not send it, or repeats would count as other commands.
 * What a client does not send is not in it: how much a transfer paid in, which the reversal of one
 * that is not credited yet cannot know.
 * @returns base64url, 43 characters.
 */
export const fingerprint = (command: Command): string =>
  createHash('sha256')
    .update(canonicalize(asSent(command)) ?? '')
    .digest('base64url');

const asSent = (command: Command): unknown =>
  command.type === 'reverse' ? { ...command, reverses: command.reverses.transferId } : command;

/**
 * Reads the record under a key, strongly consistent.
 * @returns the record, or `undefined` where the key is free.
 * @throws whatever the client throws; an answer that says nothing is an error, and never "the key
 *   is free".
 */
export const findRecord = async (
  {
    client,
    commandsTable,
  }: { readonly client: DynamoDBDocumentClient; readonly commandsTable: string },
  key: RecordKey,
): Promise<CommandRecord | UnreadableRecord | undefined> => {
  const get = new GetCommand({
    TableName: commandsTable,
    Key: { key },
    ConsistentRead: true,
    ReturnConsumedCapacity: 'TOTAL',
  });
  const { Item } = answered(await client.send(get));
  return Item && readRecord(Item);
};
