import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { fingerprint, PendingCommand } from '../../functions/store/deciding/command-record.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';

/**
 * Leaves a command waiting, as a sender that crashed right after queueing it would.
 * @param request with at least one key, under which it waits.
 * @returns its record.
 */
export const leavePending = async (
  client: DynamoDBDocumentClient,
  commandsTable: string,
  { command, keys = [], actor, correlationId }: CommandRequest,
): Promise<PendingCommand> => {
  const [key] = keys;
  if (!key) throw new Error('a pending command has a key');
  const at = '2026-11-21T10:00:00.000Z';
  const request = fingerprint(command);
  const Item = PendingCommand.parse({ ...key, request, outcome: 'pending', at, command, actor, correlationId });
  await client.send(new PutCommand({ TableName: commandsTable, Item }));
  return Item;
};
