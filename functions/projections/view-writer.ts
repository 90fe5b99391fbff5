import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand,
  PutCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/account.ts';
import { answered } from '../runtime/answered.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { type Ask, askUntil, pause } from '../runtime/patience.ts';
import { entryItem, summaryItem, summaryKey } from '../views/account-rows.ts';
import { type Item, ROW_SCHEMA } from '../views/row.ts';
import {
  openKeys,
  orderOf,
  type TransferChange,
  transferKey,
  wholeTransferItem,
} from '../views/transfer-row.ts';
import { findSummary, getItem, type ViewsTable } from '../views/views-table.ts';
import type { ViewChanges } from './fold-commits.ts';

/**
 * Writes an account's views. A `deadline` is in milliseconds since 1970: no retry begins that would
 * pass it.
 */
export interface ViewWriter {
  /**
   * The account's summary as this environment last wrote it. Another environment may have moved it
   * on, and an operator may have thrown the views away: so its changes are written on the condition
   * that it still stands.
   */
  known(accountId: AccountId): AccountView | undefined;
  /**
   * Reads the account's summary, strongly consistent: it tells how far the views are.
   * @throws {UnreadableRow} where there is one that this code cannot read.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  summary(accountId: AccountId, deadline: number): Promise<AccountView | undefined>;
  /**
   * Writes what commits of several accounts change: entries and transfers first, which may be
   * written again at any time and become the same rows, and the summaries last, each on the
   * condition that it is still the one that its changes follow. So all that a summary counts is
   * there, and of two writers that began at the same summary one moves it on.
   * @returns the accounts whose summary it moved on; another writer has moved the others.
   * @throws {Error} where a row could not be written. No summary has been moved on.
   */
  write(changes: readonly ViewChanges[], deadline: number): Promise<ReadonlySet<AccountId>>;
  /**
   * Writes the entries and the transfers of changes, and no summary: for making views anew beside
   * those that stand.
   * @throws {Error} where a row could not be written.
   */
  writeRows(changes: readonly ViewChanges[], deadline: number): Promise<void>;
  /** The account's summary as it stands, readable or not. */
  standing(accountId: AccountId, deadline: number): Promise<Standing>;
  /**
   * Replaces the summary that stood there.
   * @returns whether it did. If not, another writer was faster, or the first answer to this put was
   *   lost.
   */
  replaceSummary(summary: AccountView, standing: Standing, deadline: number): Promise<boolean>;
}

/** The version of a summary that may be unreadable; 0: there is none. */
type Standing = number | 'without_version';

/** How many requests may be under way at once. */
const REQUESTS_AT_ONCE = 8;

/** The most that one BatchWriteItem takes. */
const ITEMS_PER_BATCH = 25;

/** How many summaries, and how many transfers that have not ended, are remembered at most. */
const MOST_KNOWN = 1_000;
const MOST_OPEN = 10_000;

/** Writes views to the views table. */
export const createViewWriter = (table: ViewsTable): ViewWriter => {
  const known = new Map<AccountId, AccountView>();
  // What a commit says of a transfer stays true, so it can be merged with what later commits say.
  // The whole row is then known when the transfer ends, and a put in a batch replaces an update.
  const open = new Map<string, TransferChange>();

  const writeRows = async (changes: readonly ViewChanges[], deadline: number): Promise<void> => {
    const whole: Item[] = [];
    const partial: TransferChange[] = [];
    for (const [key, change] of merged(changes.flatMap((of) => of.transfers))) {
      const all = { ...open.get(key), ...change };
      open.delete(key);
      const item = wholeTransferItem(all);
      if (item) whole.push(item);
      else {
        open.set(key, all);
        partial.push(change);
      }
    }
    forgetOldest(open, MOST_OPEN);
    const entries: Item[] = changes.flatMap((of) => of.entries).map(entryItem);
    const ask = askUntil(table, deadline);
    await inParallel(inBatches([...entries, ...whole]), REQUESTS_AT_ONCE, (batch) =>
      putItems(table, batch, deadline),
    );
    await inParallel(partial, REQUESTS_AT_ONCE, (change) => updateTransfer(table, ask, change));
  };

  return {
    known: (accountId) => known.get(accountId),
    summary: (accountId, deadline) => findSummary(table, askUntil(table, deadline), accountId),
    writeRows,
    write: async (changes, deadline) => {
      for (const { summary } of changes) known.delete(summary.accountId);
      await writeRows(changes, deadline);
      const ask = askUntil(table, deadline);
      const moved = new Set<AccountId>();
      await inParallel(changes, REQUESTS_AT_ONCE, async ({ summary, follows }) => {
        if (!(await putSummary(table, ask, summary, at(follows)))) return;
        moved.add(summary.accountId);
        known.set(summary.accountId, summary);
      });
      forgetOldest(known, MOST_KNOWN);
      return moved;
    },
    standing: async (accountId, deadline) => {
      const item = await getItem(table, askUntil(table, deadline), summaryKey(accountId));
      const version = item ? item['version'] : 0;
      return typeof version === 'number' ? version : 'without_version';
    },
    replaceSummary: async (summary, standing, deadline) => {
      known.delete(summary.accountId);
      const condition = standing === 'without_version' ? WITHOUT_VERSION : at(standing);
      return putSummary(table, askUntil(table, deadline), summary, condition);
    },
  };
};

/** A map's oldest entries come first. */
const forgetOldest = (map: Map<string, unknown>, most: number): void => {
  for (const key of map.keys()) {
    if (map.size <= most) break;
    map.delete(key);
  }
};

/** One change for each transfer, by its unique key: it merges what the two accounts say of it. */
const merged = (changes: readonly TransferChange[]): ReadonlyMap<string, TransferChange> => {
  const transfers = new Map<string, TransferChange>();
  for (const change of changes) {
    const key = `${change.transferId}/${change.from}`;
    transfers.set(key, { ...transfers.get(key), ...change });
  }
  return transfers;
};

function* inBatches(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += ITEMS_PER_BATCH) {
    yield items.slice(start, start + ITEMS_PER_BATCH);
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
      throw new Error(`${left.length} rows were still not taken when the time was up`);
    }
    rest = { [table.table]: left };
  }
};

const updateTransfer = async (
  { client, table }: ViewsTable,
  ask: Ask,
  change: TransferChange,
): Promise<void> => {
  const { transferId, from, reserved, ...steps } = change;
  const ended = change.settled ?? change.released;
  // Only the reservation makes the row a transfer; a credit that is projected before it waits in
  // the row for it.
  const reservation = reserved && {
    transferId,
    from,
    reserved,
    order: orderOf({ transferId, reserved }),
  };
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
  const set = { ...steps, ...reservation };
  if (!reserved || ended) {
    await update(expression(set, ended ? ['openShard', 'openSince'] : []));
    return;
  }
  try {
    await update({
      ...expression({ ...set, ...openKeys({ transferId, reserved }) }),
      ConditionExpression: 'attribute_not_exists(settled) AND attribute_not_exists(released)',
    });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // It has ended in a later commit that is projected already: this is a repeat, which must not
    // open it again.
    await update(expression(set));
  }
};

/**
 * An update that sets and removes attributes. Every name has a stand-in: DynamoDB reserves `from`,
 * `to`, `order` and more.
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

/** The condition that an account's summary is still at a version; 0: that there is none. */
const at = (version: number) =>
  version === 0
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : {
        ConditionExpression: '#version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': version },
      };

/** The condition that the summary still has no version. */
const WITHOUT_VERSION = {
  ConditionExpression: 'NOT attribute_type(#version, :number)',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':number': 'N' },
};

/**
 * @returns whether the condition held. A put whose answer was lost finds its own summary there, and
 * says no too.
 */
const putSummary = async (
  { client, table }: ViewsTable,
  ask: Ask,
  summary: AccountView,
  condition: ReturnType<typeof at> | typeof WITHOUT_VERSION,
): Promise<boolean> => {
  const Item = summaryItem(summary);
  const put = new PutCommand({
    TableName: table,
    Item,
    ...condition,
    ReturnConsumedCapacity: 'TOTAL',
  });
  try {
    await ask(async () => answered(await client.send(put)));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
