import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { AccountId, type Timestamp } from '../../events/values.ts';
import { isHeld } from '../ledger/account.ts';
import { answered, UnreadableAnswer } from '../runtime/answered.ts';
import { type Patience, untilAnswered } from '../runtime/patience.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { inputOf, type TransferInput } from './workflow.ts';

/** The workflow's input for each reservation of a commit. */
export const reservedIn = ({ streamId, events }: Commit): TransferInput[] =>
  events.flatMap(({ type, data, origin: { correlationId, actor } }) =>
    type === 'MoneyReserved' || type === 'HoldCaptured'
      ? [inputOf({ ...data, from: streamId, correlationId, actor })]
      : [],
  );

/** The streams, in which an account's reservations are found without the views. */
export type Streams = Pick<Store, 'load' | 'history'>;

/** An open reservation: the input of its workflow, and when it was made. */
export interface OpenReservation {
  readonly transfer: TransferInput;
  readonly reservedAt: Timestamp;
}

/**
 * The reservations of an account that are still open, from its stream alone.
 * @param isDue selects the reservations, by the time when they were made.
 */
export async function* openReservations(
  store: Streams,
  accountId: AccountId,
  isDue: (reservedAt: Timestamp) => boolean,
): AsyncGenerator<OpenReservation> {
  const { account } = await store.load(accountId);
  for (const reservation of account?.reservations ?? []) {
    const { transferId, version, at } = reservation;
    if (isHeld(reservation) || !isDue(at)) continue;
    // Only the commit says in whose name the money was reserved.
    for await (const commit of store.history(accountId, { from: version, to: version })) {
      for (const transfer of reservedIn(commit)) {
        if (transfer.transferId === transferId) yield { transfer, reservedAt: at };
      }
    }
  }
}

/** A place in a scan of the events table: the key of the last item that was looked at. */
export const ScanPosition = z.object({
  streamId: z.string().check(z.minLength(1)),
  version: z.int(),
});
export type ScanPosition = z.infer<typeof ScanPosition>;

/** Some accounts that reserved. */
export interface AccountsPage {
  readonly accounts: readonly AccountId[];
  /**
   * Where the page begins; `undefined`: at the beginning of the table. A search that does not
   * finish the page goes on from here.
   */
  readonly after: ScanPosition | undefined;
  /** Ids of streams that cannot be accounts. */
  readonly unreadable: readonly unknown[];
}

/**
 * The events table, and what waiting for an answer takes; `budget` is for one page, in
 * milliseconds.
 */
export interface ScannedTable extends Patience {
  readonly client: DynamoDBDocumentClient;
  readonly eventsTable: string;
  readonly budget: number;
}

/** How many commits a page reads: a search that stops within a page begins that page again. */
const PAGE_ITEMS = 250;

/**
 * Finds the accounts that ever reserved, a page at a time. It scans the whole events table, so use
 * it only when the views are lost or in doubt. The commits of a stream lie side by side, so an
 * account comes once; should it come again, its reservations are found again, which does no harm.
 * @param after where to go on; without it, from the beginning.
 * @throws {StoreUnavailable} where a page was not answered in time.
 */
export async function* accountsThatReserved(
  { client, eventsTable, budget, ...patience }: ScannedTable,
  after?: ScanPosition,
): AsyncGenerator<AccountsPage> {
  let latest: unknown;
  let position = after;
  do {
    const scan = new ScanCommand({
      TableName: eventsTable,
      FilterExpression: 'attribute_exists(reserves)',
      ProjectionExpression: 'streamId',
      ConsistentRead: true,
      Limit: PAGE_ITEMS,
      ReturnConsumedCapacity: 'TOTAL',
      ...(position ? { ExclusiveStartKey: position } : {}),
    });
    const page = await untilAnswered(patience, patience.clock() + budget, async () => {
      const { Items, LastEvaluatedKey } = answered(await client.send(scan));
      if (!Items) throw new UnreadableAnswer();
      return { items: Items, last: LastEvaluatedKey };
    });
    const accounts: AccountId[] = [];
    const unreadable: unknown[] = [];
    for (const { streamId } of page.items) {
      if (streamId === latest) continue;
      latest = streamId;
      const { success, data } = AccountId.safeParse(streamId);
      if (success) accounts.push(data);
      else unreadable.push(streamId);
    }
    yield { accounts, after: position, unreadable };
    position = page.last && ScanPosition.parse(page.last);
  } while (position);
}
