import { isDeepStrictEqual } from 'node:util';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import { answered } from '../runtime/answered.ts';
import { failureOf } from '../runtime/failure.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Look } from '../runtime/look-together.ts';
import type { Ask } from '../runtime/patience.ts';
import { StoreUnavailable } from '../runtime/unavailable.ts';
import { accountItem, readAccountRow } from '../views/account-rows.ts';
import { isPointer, pointerItems, readPointer } from '../views/pointer-row.ts';
import { type Item, isUnreadableRow, ROW_SCHEMA, readOrPass, rowSchemaOf } from '../views/row.ts';
import {
  openKeysOf,
  readTransferChange,
  readTransferClaim,
  stepNames,
  type TransferChange,
  transferItem,
} from '../views/transfer-row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import type { Findings, RowKey } from './differences.ts';
import { foldCommits, transferName, type ViewChanges } from './fold-commits.ts';
import type { StreamReader } from './read-streams.ts';
import { rowName, type ViewWriter } from './view-writer.ts';

/** What checking rows takes. */
export interface RowChecks {
  readonly table: ViewsTable;
  readonly streams: Pick<StreamReader, 'commitAt'>;
  readonly writer: ViewWriter;
  readonly findings: Findings;
  readonly ask: Ask;
  readonly look: Look;
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
 * than its events, or is of an older version of the projection, is replaced in one write by what
 * they say, and one of which they say nothing is removed. What is missing in a row is not seen
 * here. A row of later code is left alone, and so is one of which a commit cannot be read.
 */
export const checkRows = (checks: RowChecks, items: readonly Item[]): Promise<void> => {
  checks.findings.looked('rows', items.length);
  return inParallel(items, ROWS_AT_ONCE, async (item) => {
    let standing: Item | undefined = item;
    for (let attempt = 0; standing; attempt += 1) {
      if (attempt === ATTEMPTS) throw new StoreUnavailable('unavailable', new Error(BUSY));
      standing = await checkRow(checks, standing, attempt === 0);
    }
  });
};

/** How often a row is checked that changes again and again meanwhile. */
const ATTEMPTS = 5;
const BUSY = 'a row changed whenever it was to be replaced';

/** @returns the row as it stands now, where it has changed since it was read. */
const checkRow = async (
  checks: RowChecks,
  item: Item,
  isFirst: boolean,
): Promise<Item | undefined> => {
  const { findings, isDry, writer, deadline, look, ask } = checks;
  if (rowSchemaOf(item) > ROW_SCHEMA) return undefined;
  const key = { pk: String(item['pk']), sk: String(item['sk']) };
  const truth = await truthOf(checks, item);
  if (!truth) return undefined;
  if (isTrue(item, truth)) return undefined;
  const right = itemsOf(truth).find((expected) => rowName(expected) === rowName(key));
  const isAsked = right !== undefined && rowSchemaOf(item) === ROW_SCHEMA;
  if (isFirst) findings.found(isAsked ? 'different' : 'extra', key);
  if (isDry) return undefined;
  if (!(await replace(checks, item, key, right))) return ask(() => look(key));
  const failed = await writer.write(truth, deadline);
  for (const error of failed.values()) throw error;
  return undefined;
};

/**
 * What the events from which a row says that it comes say in truth: of it, and of nothing else.
 * @returns `undefined` where one of them cannot be read.
 */
const truthOf = async ({ streams }: RowChecks, item: Item): Promise<ViewChanges | undefined> => {
  const claim = claimOf(item);
  if (!claim) return NOTHING;
  const found = await Promise.all(claim.places.map((place) => streams.commitAt(...place)));
  const commits = found.filter((commit) => commit !== undefined);
  if (!commits.every((commit) => commit !== 'unreadable')) return undefined;
  const { accounts, transfers } = foldCommits(commits);
  return claim.kind === 'account'
    ? { accounts, transfers: [] }
    : {
        accounts: [],
        transfers: transfers.filter((change) => transferName(change) === claim.name),
      };
};

/** The rows that there are by some changes, and by nothing else. */
const itemsOf = ({ accounts, transfers }: ViewChanges): readonly (Item & RowKey)[] => [
  ...accounts.map(accountItem),
  ...transfers.flatMap((change) => [...pointerItems(change), transferItem(change)]),
];

type Claim = { readonly places: readonly (readonly [AccountId, number])[] } & (
  | { readonly kind: 'account' }
  | { readonly kind: 'transfer'; readonly name: string }
);

/** From where a row says that it comes; `undefined`: nowhere, or it cannot be read. */
const claimOf = (item: Item): Claim | undefined => {
  // A row of an older version says so in the same words, as far as it has them.
  const today = { ...item, schema: ROW_SCHEMA };
  try {
    if (item['sk'] === 'account')
      return { kind: 'account', places: [[readAccountRow(today).accountId, 1]] };
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
  const { openShard, openSince } = item;
  const keys = Object.fromEntries(
    Object.entries({ openShard, openSince }).filter(([, value]) => value !== undefined),
  );
  return isDeepStrictEqual(row, change) && isDeepStrictEqual(keys, openKeysOf(change));
};

/**
 * Puts what is right in the place of a row, or removes it where nothing is. In one write: between
 * two, an open transfer would be in no index, and a crash would leave it there.
 * @returns whether it did; not where the row has changed since it was read.
 */
const replace = async (
  { table: { client, table }, ask }: RowChecks,
  item: Item,
  key: RowKey,
  right: Item | undefined,
): Promise<boolean> => {
  const common = { TableName: table, ReturnConsumedCapacity: 'TOTAL', ...asItIs(item) } as const;
  const command = right
    ? new PutCommand({ ...common, Item: { ...right } })
    : new DeleteCommand({ ...common, Key: { ...key } });
  try {
    await ask(async () =>
      answered(await (command instanceof PutCommand ? client.send(command) : client.send(command))),
    );
    return true;
  } catch (error) {
    if (failureOf(error).kind === 'condition') return false;
    throw error;
  }
};

/** The condition that a row has every attribute that was read of it, and no step besides. */
const asItIs = (item: Item) => {
  const { pk: _, sk: __, ...attributes } = item;
  const there = Object.entries(attributes);
  const absent = stepNames.filter((name) => item[name] === undefined);
  return {
    ConditionExpression: [
      ...there.map((_entry, n) => `#a${n} = :a${n}`),
      ...absent.map((name) => `attribute_not_exists(${name})`),
    ].join(' AND '),
    ...(there.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(there.map(([name], n) => [`#a${n}`, name])),
      ExpressionAttributeValues: Object.fromEntries(there.map(([, value], n) => [`:a${n}`, value])),
    }),
  };
};
