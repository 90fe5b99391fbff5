import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, type BatchWriteCommandOutput, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/answer.ts';
import { fullJitter } from '../runtime/backoff.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { entryItem, summaryItem } from '../views/account-rows.ts';
import { openKeys, orderOf, type TransferChange, transferKey, wholeTransferItem } from '../views/transfer-row.ts';
import { findSummary, type ViewsTable } from '../views/views.ts';
import type { ViewChanges } from './fold-commits.ts';

/** Writes an account's views. */
export interface ViewWriter {
  /**
   * The account's summary as this environment last wrote it. Another one may have moved it on, and the views may have been thrown
   * away: what follows it is written on the condition that it still stands.
   */
  known(accountId: AccountId): AccountView | undefined;
  /** The account's summary, strongly consistent: how far its views are. */
  summary(accountId: AccountId): Promise<AccountView | undefined>;
  /**
   * Writes what commits of several accounts change: entries and transfers first, which may be written again at any time and
   * become the same rows, and the summaries last, each on the condition that it is still the one that its changes follow. So all
   * that a summary counts is there, and of two writers that began at the same summary one moves it on.
   * @returns the accounts whose summary was moved on; of the others, another writer has done so.
   * @throws {Error} where a row could not be written. No summary has been moved on.
   */
  write(changes: readonly ViewChanges[]): Promise<ReadonlySet<AccountId>>;
}

/** The views table, and all that varies. */
export interface ViewWriterDependencies extends ViewsTable {
  /** A number in 0 … 1. */
  readonly random: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** How many requests may be under way at once. */
const REQUESTS_AT_ONCE = 8;

/** The most that one BatchWriteItem takes. */
const ITEMS_PER_BATCH = 25;

/** How often the rest of a batch is sent again before the write is given up, and the waits between, in milliseconds. */
const BATCH_ATTEMPTS = 8;
const BACKOFF_BASE = 50;
const BACKOFF_CAP = 2_000;

/** How many summaries are remembered, and what of how many transfers that have not ended. */
const MOST_KNOWN = 1_000;
const MOST_OPEN = 10_000;

/** Writes views to the views table. */
export const createViewWriter = (dependencies: ViewWriterDependencies): ViewWriter => {
  const known = new Map<AccountId, AccountView>();
  // What commits say of a transfer is true for ever, so it may be put together with what others say later: then the row is known
  // whole when it ends, and one put of a batch takes the place of an update by itself.
  const open = new Map<string, TransferChange>();
  return {
    known: (accountId) => known.get(accountId),
    summary: (accountId) => findSummary(dependencies, accountId),
    write: async (changes) => {
      for (const { summary } of changes) known.delete(summary.accountId);
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
      await inParallel(inBatches([...entries, ...whole]), REQUESTS_AT_ONCE, (batch) => putItems(dependencies, batch));
      await inParallel(partial, REQUESTS_AT_ONCE, (change) => updateTransfer(dependencies, change));

      const moved = new Set<AccountId>();
      await inParallel(changes, REQUESTS_AT_ONCE, async ({ summary, follows }) => {
        if (!(await moveSummary(dependencies, summary, follows))) return;
        moved.add(summary.accountId);
        known.set(summary.accountId, summary);
      });
      forgetOldest(known, MOST_KNOWN);
      return moved;
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

/** One change for each transfer, by what is unique about it: what its two accounts say of it, put together. */
const merged = (changes: readonly TransferChange[]): ReadonlyMap<string, TransferChange> => {
  const transfers = new Map<string, TransferChange>();
  for (const change of changes) {
    const key = `${change.transferId}/${change.from}`;
    transfers.set(key, { ...transfers.get(key), ...change });
  }
  return transfers;
};

type Item = Readonly<Record<string, unknown>>;

function* inBatches(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += ITEMS_PER_BATCH) {
    yield items.slice(start, start + ITEMS_PER_BATCH);
  }
}

const putItems = async (
  { client, table, random, sleep }: ViewWriterDependencies,
  items: readonly Item[],
): Promise<void> => {
  let rest: BatchWriteCommandOutput['UnprocessedItems'] = {
    [table]: items.map((item) => ({ PutRequest: { Item: { ...item } } })),
  };
  for (let attempt = 0; attempt < BATCH_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await sleep(fullJitter(attempt - 1, random, BACKOFF_BASE, BACKOFF_CAP));
    // What was throttled comes back in an answer that is otherwise a success: the SDK does not send that part again.
    const { UnprocessedItems }: BatchWriteCommandOutput = await client.send(
      new BatchWriteCommand({ RequestItems: rest }),
    );
    if (!UnprocessedItems?.[table]?.length) return;
    rest = UnprocessedItems;
  }
  throw new Error(`${rest?.[table]?.length} rows were still not taken after ${BATCH_ATTEMPTS} attempts`);
};

const updateTransfer = async ({ client, table }: ViewsTable, change: TransferChange): Promise<void> => {
  const { transferId, from, reserved, ...steps } = change;
  const ended = change.settled ?? change.released;
  // Only the reservation makes the row a transfer; a credit that is projected before it waits in the row for it.
  const reservation = reserved && { transferId, from, reserved, order: orderOf({ transferId, reserved }) };
  const row = { Key: transferKey(transferId, from), TableName: table };
  const set = { ...steps, ...reservation };
  if (!reserved || ended) {
    await client.send(new UpdateCommand({ ...row, ...expression(set, ended ? ['openShard', 'openSince'] : []) }));
    return;
  }
  try {
    await client.send(
      new UpdateCommand({
        ...row,
        ...expression({ ...set, ...openKeys({ transferId, reserved }) }),
        ConditionExpression: 'attribute_not_exists(settled) AND attribute_not_exists(released)',
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // It has ended in a later commit that is projected already: this is a repeat, which must not open it again.
    await client.send(new UpdateCommand({ ...row, ...expression(set) }));
  }
};

/**
 * An update that sets and removes attributes. Every name has a stand-in: DynamoDB reserves `from`, `to`, `order` and
 * more.
 */
const expression = (set: Readonly<Record<string, unknown>>, remove: readonly string[] = []) => {
  const attributes = Object.entries(set).filter(([, value]) => value !== undefined);
  const assignments = attributes.map(([name]) => `#${name} = :${name}`).join(', ');
  const removals = remove.map((name) => `#${name}`).join(', ');
  return {
    UpdateExpression: `SET ${assignments}${removals && ` REMOVE ${removals}`}`,
    ExpressionAttributeNames: Object.fromEntries(
      [...attributes.map(([name]) => name), ...remove].map((name) => [`#${name}`, name]),
    ),
    ExpressionAttributeValues: Object.fromEntries(attributes.map(([name, value]) => [`:${name}`, value])),
  };
};

const moveSummary = async ({ client, table }: ViewsTable, summary: AccountView, follows: number): Promise<boolean> => {
  const condition =
    follows === 0
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: '#version = :follows',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: { ':follows': follows },
        };
  try {
    await client.send(new PutCommand({ TableName: table, Item: summaryItem(summary), ...condition }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
