import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { AccountId, type Timestamp } from '../../events/values.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import type { TransferInput } from './workflow.ts';

/** What each reservation of a commit starts its workflow with. */
export const reservedIn = ({ streamId, events }: Commit): TransferInput[] =>
  events.flatMap(({ type, data, origin: { correlationId, actor } }) =>
    type === 'MoneyReserved' ? [{ ...data, from: streamId, correlationId, actor }] : [],
  );

/** Where the reservations of an account are found without the views. */
export type Streams = Pick<Store, 'load' | 'history'>;

/**
 * The reservations of an account that are still open, from its stream alone.
 * @param olderThan those reserved before this time.
 */
export async function* openReservations(
  store: Streams,
  accountId: AccountId,
  olderThan: Timestamp,
): AsyncGenerator<TransferInput> {
  const { account } = await store.load(accountId);
  for (const { transferId, version, at } of account?.reservations ?? []) {
    if (at >= olderThan) continue;
    // In whose name it was reserved is in the commit alone.
    for await (const commit of store.history(accountId, { from: version, to: version })) {
      yield* reservedIn(commit).filter((reserved) => reserved.transferId === transferId);
    }
  }
}

/**
 * Finds the accounts that ever reserved, each once. It scans the whole events table, so it is for the day when the
 * views are lost or in doubt.
 */
export async function* accountsThatReserved(
  client: DynamoDBDocumentClient,
  eventsTable: string,
): AsyncGenerator<AccountId> {
  const seen = new Set<AccountId>();
  let cursor: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: eventsTable,
        FilterExpression: 'attribute_exists(reserves)',
        ProjectionExpression: 'streamId',
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    for (const item of page.Items ?? []) {
      const accountId = AccountId.parse(item['streamId']);
      if (seen.has(accountId)) continue;
      seen.add(accountId);
      yield accountId;
    }
    cursor = page.LastEvaluatedKey;
  } while (cursor);
}
