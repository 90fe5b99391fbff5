import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type Audited, auditLedger } from '../../bench/audit/ledger.ts';
import type { LocalCloud } from '../../local-cloud/cloud.ts';

/**
 * Checks from the tables of a local cloud that nothing was lost or made, as the bench does: every
 * stream sound, one outcome per command, every transfer whole, the money conserved.
 * @param heard what clients were told of transfers, by id.
 * @throws {Error} that says what is wrong.
 */
export const auditTables = async (
  cloud: LocalCloud,
  heard: ReadonlyMap<string, string>,
): Promise<Audited> => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
  try {
    const named = (ending: string): string => {
      const found = cloud.overview().dynamodb.tables.find((name) => name.endsWith(ending));
      if (found === undefined) throw new Error(`the cloud has no table of ${ending}`);
      return found;
    };
    const tables = { events: named('-events'), commands: named('-commands') };
    const accounts = new Map((await streamIds(client, tables.events)).map((id) => [id, undefined]));
    return await auditLedger({ client, tables, accounts, heard });
  } finally {
    client.destroy();
  }
};

const Streams = z.array(z.object({ streamId: z.string() }));

const streamIds = async (client: DynamoDBDocumentClient, table: string): Promise<string[]> => {
  const found = new Set<string>();
  let cursor: Record<string, unknown> | undefined;
  do {
    const { Items, LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: table,
        ProjectionExpression: 'streamId',
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    for (const { streamId } of Streams.parse(Items)) found.add(streamId);
    cursor = LastEvaluatedKey;
  } while (cursor);
  return [...found];
};
