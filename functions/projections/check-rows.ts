import { isDeepStrictEqual } from 'node:util';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import { answered } from '../runtime/answered.ts';
import { failureOf, maySucceedLater } from '../runtime/failure.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Ask } from '../runtime/patience.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { accountItem, readAccountRow } from '../views/account-rows.ts';
import { isPointer, pointerItems, readPointer } from '../views/pointer-row.ts';
import { type Item, isUnreadableRow, ROW_SCHEMA, readOrPass, rowSchemaOf } from '../views/row.ts';
import {
  readTransferChange,
  readTransferClaim,
  stepNames,
  type TransferChange,
  transferKey,
} from '../views/transfer-row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import type { Findings } from './differences.ts';
import { foldCommits, transferName, type ViewChanges } from './fold-commits.ts';
import { rowName, type ViewWriter } from './view-writer.ts';

/** What checking rows takes. */
export interface RowChecks {
  readonly table: ViewsTable;
  readonly store: Pick<Store, 'commitAt'>;
  readonly writer: ViewWriter;
  readonly findings: Findings;
  readonly ask: Ask;
  /** In milliseconds since 1970, for writing. */
  readonly deadline: number;
  /** Whether to say only what differs, and to change nothing. */
  readonly isDry: boolean;
}

/** How many rows are checked at once. */
const ROWS_AT_ONCE = 16;

const NOTHING: ViewChanges = { accounts: [], transfers: [] };

/**
 * Holds rows of the views to the events that they say they come from. A row that says anything else
 * than its events, that is of an older version of the projection or of no kind that there is, is
 * removed, and what of it was true is written again. What is missing in a row is not seen here. A
 * row of later code is left alone, and so is one of which a commit cannot be read.
 */
export const checkRows = (checks: RowChecks, items: readonly Item[]): Promise<void> => {
  checks.findings.looked('rows', items.length);
  return inParallel(items, ROWS_AT_ONCE, (item) => checkRow(checks, item));
};

const checkRow = async (checks: RowChecks, item: Item): Promise<void> => {
  const { findings, isDry, writer, deadline } = checks;
  if (rowSchemaOf(item) > ROW_SCHEMA) return;
  const key = { pk: String(item['pk']), sk: String(item['sk']) };
  let truth: ViewChanges;
  try {
    truth = await truthOf(checks, item);
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    findings.unreadable(`of the row ${key.pk} ${key.sk}`, error);
    return;
  }
  if (isTrue(item, truth)) return;
  const isAsked = keysOf(truth).has(rowName(key)) && rowSchemaOf(item) === ROW_SCHEMA;
  findings.found(isAsked ? 'different' : 'extra', key);
  if (isDry || !(await remove(checks, key, item))) return;
  const failed = await writer.write(truth, deadline);
  for (const error of failed.values()) throw error;
};

/** What the events from which a row says that it comes say in truth: of it, and of nothing else. */
const truthOf = async ({ store }: RowChecks, item: Item): Promise<ViewChanges> => {
  const of = async (places: readonly (readonly [AccountId, number])[]) => {
    const commits = await Promise.all(places.map((place) => store.commitAt(...place)));
    return foldCommits(commits.flatMap((commit): Commit[] => (commit ? [commit] : [])));
  };
  const claim = claimOf(item);
  if (!claim) return NOTHING;
  if (claim.kind === 'account') {
    const { accounts } = await of([[claim.accountId, 1]]);
    return { accounts, transfers: [] };
  }
  const { transfers } = await of(claim.places);
  return {
    accounts: [],
    transfers: transfers.filter((change) => transferName(change) === claim.name),
  };
};

/** The rows that there are by some changes. */
const keysOf = ({ accounts, transfers }: ViewChanges): ReadonlySet<string> =>
  new Set(
    [
      ...accounts.map(accountItem),
      ...transfers.flatMap((change) => [
        ...pointerItems(change),
        transferKey(change.transferId, change.from),
      ]),
    ].map(rowName),
  );

type Claim =
  | { readonly kind: 'account'; readonly accountId: AccountId }
  | {
      readonly kind: 'transfer';
      readonly name: string;
      readonly places: readonly (readonly [AccountId, number])[];
    };

/** From where a row says that it comes; `undefined`: nowhere, or it cannot be read. */
const claimOf = (item: Item): Claim | undefined => {
  // A row of an older version says so in the same words, as far as it has them.
  const today = { ...item, schema: ROW_SCHEMA };
  try {
    if (item['sk'] === 'account')
      return { kind: 'account', accountId: readAccountRow(today).accountId };
    if (isPointer(item)) {
      const { version, ...pointer } = readPointer(today);
      return { kind: 'transfer', name: transferName(pointer), places: [[pointer.from, version]] };
    }
    const { steps, ...transfer } = readTransferClaim(today);
    const places = steps.map(({ accountId, version }) => [accountId, version] as const);
    return { kind: 'transfer', name: transferName(transfer), places };
  } catch (error) {
    if (!isUnreadableRow(error)) throw error;
    return undefined;
  }
};

const isTrue = (item: Item, { accounts, transfers }: ViewChanges): boolean => {
  if (rowSchemaOf(item) !== ROW_SCHEMA) return false;
  const isOne = (items: readonly Item[]) =>
    items.some((expected) =>
      Object.entries(expected).every(([name, value]) => isDeepStrictEqual(item[name], value)),
    );
  if (item['sk'] === 'account') return isOne(accounts.map(accountItem));
  if (isPointer(item)) return isOne(transfers.flatMap(pointerItems));
  const [change] = transfers;
  return change !== undefined && isSame(item, change);
};

const isSame = (item: Item, change: TransferChange): boolean => {
  const row = readOrPass(item, readTransferChange, () => {});
  const isOpen = change.reserved !== undefined && !(change.settled ?? change.released);
  return isDeepStrictEqual(row, change) && isOpen === (item['openShard'] !== undefined);
};

/** @returns whether it did; not where the row has got another step meanwhile. */
const remove = async (
  { table: { client, table }, ask }: RowChecks,
  Key: { readonly pk: string; readonly sk: string },
  item: Item,
): Promise<boolean> => {
  const absent = stepNames.filter((name) => item[name] === undefined);
  const command = new DeleteCommand({
    TableName: table,
    Key,
    ...(absent.length > 0 && {
      ConditionExpression: absent.map((name) => `attribute_not_exists(${name})`).join(' AND '),
    }),
    ReturnConsumedCapacity: 'TOTAL',
  });
  try {
    await ask(async () => answered(await client.send(command)));
    return true;
  } catch (error) {
    if (failureOf(error).kind === 'condition') return false;
    throw error;
  }
};
