import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { answered } from '../runtime/answered.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { type Ask, askUntil, pause } from '../runtime/patience.ts';
import { StoreUnavailable } from '../runtime/unavailable.ts';
import { accountItem, accountKey } from '../views/account-rows.ts';
import { pointerItems } from '../views/pointer-row.ts';
import { type Item, ROW_SCHEMA } from '../views/row.ts';
import {
  openKeysOf,
  type TransferChange,
  transferKey,
  wholeTransferItem,
} from '../views/transfer-row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import { transferName, type ViewChanges } from './fold-commits.ts';

/** Writes the views. */
export interface ViewWriter {
  /**
   * Writes what commits change. Whatever is written again becomes the same rows, in whatever order
   * it comes, so the caller may repeat all of it.
   *
   * A transfer's pointers are written before its row: whoever sees the row of a transfer that has
   * its terms finds it in the lists of both accounts.
   * @param deadline in milliseconds since 1970: no request begins after it.
   * @returns the rows that are not written, or not all that belongs to them, by {@link rowName},
   *   and why. The failure of one row keeps no other from being written.
   */
  write(changes: ViewChanges, deadline: number): Promise<ReadonlyMap<string, unknown>>;
}

/** The name of a row among all: its key in one text. */
export const rowName = ({ pk, sk }: { readonly pk: string; readonly sk: string }): string =>
  `${pk} ${sk}`;

/** How many requests may be under way at once. */
const REQUESTS_AT_ONCE = 8;

/** The most that one BatchWriteItem takes. */
const ITEMS_PER_BATCH = 25;

/** How many transfers that have not ended are remembered at most. */
const MOST_OPEN = 10_000;

/** An item to be put, and the name of the row that is not whole without it. */
interface Put {
  readonly item: Item;
  readonly row: string;
}

/** Writes views to the views table. */
export const createViewWriter = (table: ViewsTable): ViewWriter => {
  // What a commit says of a transfer stays true, so it can be merged with what later commits say.
  // The whole row is then known when the transfer ends, and a put in a batch replaces an update.
  const open = new Map<string, TransferChange>();

  return {
    write: async ({ accounts, transfers, ended }, deadline) => {
      const failed = new Map<string, unknown>();
      const ask = askUntil(table, deadline);
      const put = (puts: readonly Put[]) =>
        inParallel(inBatches(puts), REQUESTS_AT_ONCE, async (batch) => {
          try {
            await putItems(
              table,
              batch.map(({ item }) => item),
              deadline,
            );
          } catch (error) {
            for (const { row } of batch) failed.set(row, error);
          }
        });
      const writeRows = async (changes: readonly TransferChange[]): Promise<void> => {
        const all = changes.map((change) => {
          const known = { ...open.get(transferName(change)), ...change };
          return { change, known, row: nameOf(change), item: wholeTransferItem(known) };
        });
        await put(all.flatMap(({ item, row }) => (item ? [{ item, row }] : [])));
        const partial = all.filter(({ item }) => !item);
        await inParallel(partial, REQUESTS_AT_ONCE, async ({ change, row }) => {
          try {
            await updateTransfer(table, ask, change, ended?.has(transferName(change)) ?? false);
          } catch (error) {
            failed.set(row, error);
          }
        });
        // Remembered once it is written: a row that is put whole later needs its pointers to be
        // there.
        for (const { known, row, item } of all) {
          open.delete(transferName(known));
          if (!item && !failed.has(row)) open.set(transferName(known), known);
        }
      };

      const [begun, later] = [
        transfers.filter(({ to }) => to !== undefined),
        transfers.filter(({ to }) => to === undefined),
      ];
      await Promise.all([
        put([
          ...accounts.map((account) => ({
            item: accountItem(account),
            row: rowName(accountKey(account.accountId)),
          })),
          ...begun.flatMap((change) =>
            pointerItems(change).map((item) => ({ item, row: nameOf(change) })),
          ),
        ]),
        writeRows(later),
      ]);
      await writeRows(begun.filter((change) => !failed.has(nameOf(change))));
      forgetOldest(open, MOST_OPEN);
      return failed;
    },
  };
};

const nameOf = ({ transferId, from }: TransferChange): string =>
  rowName(transferKey(transferId, from));

/** A map's oldest entries come first. */
const forgetOldest = (map: Map<string, unknown>, most: number): void => {
  for (const key of map.keys()) {
    if (map.size <= most) break;
    map.delete(key);
  }
};

function* inBatches(puts: readonly Put[]): Generator<readonly Put[]> {
  for (let start = 0; start < puts.length; start += ITEMS_PER_BATCH) {
    yield puts.slice(start, start + ITEMS_PER_BATCH);
  }
}

/** Sends what is left of a batch until all of it is taken or the time is up. */
const putItems = async (
  table: ViewsTable,
  items: readonly Item[],
  deadline: number,
): Promise<void> => {
  const ask = askUntil(table, deadline);
  let rest = { [table.table]: items.map((item) => ({ PutRequest: { Item: { ...item } } })) };
  for (let attempt = 0; ; attempt += 1) {
    const batch = new BatchWriteCommand({ RequestItems: rest, ReturnConsumedCapacity: 'TOTAL' });
    // Throttled items come back in an answer that is otherwise a success. An empty answer does not
    // say that all items were taken.
    const { UnprocessedItems } = await ask(async () => answered(await table.client.send(batch)));
    const left = UnprocessedItems?.[table.table]?.flatMap(({ PutRequest }) =>
      PutRequest?.Item ? [{ PutRequest: { Item: PutRequest.Item } }] : [],
    );
    if (!left?.length) return;
    if (!(await pause(table, deadline, attempt))) {
      const why = new Error(`${left.length} rows were still not taken when the time was up`);
      throw new StoreUnavailable('throttled', why);
    }
    rest = { [table.table]: left };
  }
};

const updateTransfer = async (
  { client, table }: ViewsTable,
  ask: Ask,
  change: TransferChange,
  hasEnded: boolean,
): Promise<void> => {
  const { transferId, from, ...rest } = change;
  const { to } = change;
  const openKeys = openKeysOf(change);
  const ended = hasEnded || change.settled || change.released;
  // Only its terms make the row a transfer; a credit that is projected before them waits in the row
  // for them.
  const set = to === undefined ? rest : { ...rest, transferId, from };
  const update = (what: Omit<UpdateCommandInput, 'Key' | 'TableName'>) => {
    const Key = transferKey(transferId, from);
    const command = new UpdateCommand({
      ...what,
      Key,
      TableName: table,
      ReturnConsumedCapacity: 'TOTAL',
    });
    return ask(async () => answered(await client.send(command)));
  };
  if (openKeys.openShard === undefined || ended) {
    await update(expression(set, ended ? ['openShard', 'openSince'] : []));
    return;
  }
  // What a commit says of the index holds as long as no later step is projected.
  const later = change.held && !change.captured ? ['captured', ...ENDS] : ENDS;
  try {
    await update({
      ...expression({ ...set, ...openKeys }),
      ConditionExpression: later.map((step) => `attribute_not_exists(${step})`).join(' AND '),
    });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // It has ended, or was captured, in a later commit that is projected already: this is a
    // repeat, which must not open it again, nor let it rest again.
    await update(expression(set));
  }
};

/** The steps with which a transfer is open no longer. */
const ENDS = ['settled', 'released'];

/**
 * An update that sets and removes attributes. Every name has a stand-in: DynamoDB reserves `from`,
 * `to` and more.
 */
const expression = (set: Readonly<Record<string, unknown>>, remove: readonly string[] = []) => {
  const attributes = Object.entries(set).filter(([, value]) => value !== undefined);
  // A row keeps its schema: other code may have begun it, and that code knows what its attributes
  // mean.
  const schema = '#schema = if_not_exists(#schema, :schema)';
  const assignments = [schema, ...attributes.map(([name]) => `#${name} = :${name}`)].join(', ');
  const removals = remove.map((name) => `#${name}`).join(', ');
  return {
    UpdateExpression: `SET ${assignments}${removals && ` REMOVE ${removals}`}`,
    ExpressionAttributeNames: Object.fromEntries(
      ['schema', ...attributes.map(([name]) => name), ...remove].map((name) => [`#${name}`, name]),
    ),
    ExpressionAttributeValues: Object.fromEntries([
      [':schema', ROW_SCHEMA],
      ...attributes.map(([name, value]) => [`:${name}`, value]),
    ]),
  };
};
