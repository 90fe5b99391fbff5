import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, type BatchWriteCommandOutput, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import { inParallel } from '../background/in-parallel.ts';
import type { AccountView } from '../ledger/answer.ts';
import type { Entry } from '../ledger/statement.ts';
import { fullJitter } from '../store/backoff.ts';
import { entryItem, summaryItem } from '../views/account-rows.ts';
import { openKeys, orderOf, type TransferChange, transferKey } from '../views/transfer-row.ts';
import { findSummary, type ViewsTable } from '../views/views.ts';
import type { ViewChanges } from './fold-commits.ts';

/** Writes an account's views. */
export interface ViewWriter {
  /** The account's summary, strongly consistent: how far its views are. */
  summary(accountId: AccountId): Promise<AccountView | undefined>;
  /**
   * Writes what commits change: entries and transfers first, which may be written again at any time and become the same
   * rows, and the summary last, on the condition that it is still the one that the changes follow. So all that a
   * summary counts is there, and of two writers that began at the same summary one moves it on.
   * @returns whether the summary was moved on; if not, another writer has done so.
   * @throws {Error} where a row could not be written. The summary has not been moved on.
   */
  write(changes: ViewChanges): Promise<boolean>;
}

/** The views table, and all that varies. */
export interface ViewWriterDependencies extends ViewsTable {
  /** A number in 0 … 1. */
  readonly random: () => number;
  /** Waits; milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** How many requests for one account may be under way at once. */
const REQUESTS_AT_ONCE = 4;

/** The most that one BatchWriteItem takes. */
const ITEMS_PER_BATCH = 25;

/** How often the rest of a batch is sent again before the write is given up, and the waits between, in milliseconds. */
const BATCH_ATTEMPTS = 8;
const BACKOFF_BASE = 50;
const BACKOFF_CAP = 2_000;

/** Writes views to the views table. */
export const createViewWriter = (dependencies: ViewWriterDependencies): ViewWriter => ({
  summary: (accountId) => findSummary(dependencies, accountId),
  write: async ({ follows, summary, entries, transfers }) => {
    await inParallel(inBatches(entries), REQUESTS_AT_ONCE, (batch) => putEntries(dependencies, batch));
    await inParallel(transfers, REQUESTS_AT_ONCE, (change) => updateTransfer(dependencies, change));
    return moveSummary(dependencies, summary, follows);
  },
});

function* inBatches(entries: readonly Entry[]): Generator<readonly Entry[]> {
  for (let start = 0; start < entries.length; start += ITEMS_PER_BATCH) {
    yield entries.slice(start, start + ITEMS_PER_BATCH);
  }
}

const putEntries = async (
  { client, table, random, sleep }: ViewWriterDependencies,
  entries: readonly Entry[],
): Promise<void> => {
  let rest: BatchWriteCommandOutput['UnprocessedItems'] = {
    [table]: entries.map((entry) => ({ PutRequest: { Item: entryItem(entry) } })),
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
  throw new Error(`${rest?.[table]?.length} statement entries were still not taken after ${BATCH_ATTEMPTS} attempts`);
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
