import { randomUUID } from 'node:crypto';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { COMMAND_SCHEMA } from '../../functions/ledger/account.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';
import {
  fingerprint,
  PendingCommand,
  RECORD_SCHEMA,
} from '../../functions/store/writing/command-record.ts';

/**
 * Leaves a command pending, as a sender that crashed right after queueing it would. Its place in
 * the queue is for the test to hand on.
 * @param request with at least one key, under which it is pending.
 * @returns what its record and its place in the queue say.
 */
export const leavePending = async (
  client: DynamoDBDocumentClient,
  commandsTable: string,
  { command, keys = [], actor, correlationId }: CommandRequest,
): Promise<PendingCommand> => {
  if (keys.length === 0) throw new Error('a pending command has a key');
  const pending = PendingCommand.parse({
    accountId: command.accountId,
    schema: RECORD_SCHEMA,
    commandSchema: COMMAND_SCHEMA,
    fingerprint: fingerprint(command),
    writeId: randomUUID(),
    at: '2026-11-21T10:00:00.000Z',
    keys,
    command,
    actor,
    correlationId,
  });
  for (const key of keys) {
    await client.send(
      new PutCommand({ TableName: commandsTable, Item: { ...pending, key, outcome: 'pending' } }),
    );
  }
  return pending;
};
