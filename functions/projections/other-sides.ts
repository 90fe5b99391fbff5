import { type AccountId, Timestamp, Version } from '../../events/values.ts';
import { Transfer } from '../ledger/transfer.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Store } from '../store/store.ts';
import { recordKey } from '../store/writing/record-key.ts';
import { pointerItems } from '../views/pointer-row.ts';
import { type Item, ROW_SCHEMA, readOrPass, rowSchemaOf } from '../views/row.ts';
import {
  beginningOf,
  isWholeAtSource,
  readTransferChange,
  reservationStepOf,
  type TransferChange,
  transferKey,
} from '../views/transfer-row.ts';
import type { RowKey } from './differences.ts';
import { foldCommits, transferName, type ViewChanges } from './fold-commits.ts';
import type { StreamReader } from './read-streams.ts';

/** What names a transfer. */
export type TransferRef = Pick<TransferChange, 'transferId' | 'from'>;

/** A place in another account's stream. */
export interface OtherPlace {
  readonly accountId: AccountId;
  readonly version: Version;
}

/** What reading the other sides takes. */
export interface OtherSides {
  readonly streams: StreamReader;
  readonly store: Pick<Store, 'recordOf' | 'asOf'>;
  /** Looks rows up, in the order of their keys. */
  readonly rowsOf: (keys: readonly RowKey[]) => Promise<readonly (Item | undefined)[]>;
  /** Holds the views to changes, as the streams are compared. */
  readonly compare: (changes: ViewChanges) => Promise<void>;
  readonly isTimeUp: () => boolean;
}

/** How many records are looked up at once. */
const RECORDS_AT_ONCE = 16;

/** How far two environments' clocks may be apart, in milliseconds. */
const CLOCKS_APART_MS = 60_000;

/**
 * Makes sure of what other accounts' streams say of an account's transfers: of those that come in,
 * how they began and ended, which the source alone knows; of those that go out, the credit. Only
 * where the rows do not say it: an other stream is read from where the transfer began.
 * @param refs some of the account's transfers.
 * @param from where to go on among the other accounts, as the call before said.
 * @returns where to go on, where the time was up.
 */
export const readOtherSides = async (
  sides: OtherSides,
  accountId: AccountId,
  refs: readonly TransferRef[],
  from: OtherPlace | undefined,
): Promise<OtherPlace | undefined> => {
  const wanted = await wantedOf(sides, accountId, refs);
  const others = [...Map.groupBy(wanted, ({ other }) => other)]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .filter(([other]) => !from || other >= from.accountId);
  for (const [index, [other, transfers]] of others.entries()) {
    if (index > 0 && sides.isTimeUp()) return { accountId: other, version: FIRST };
    const begun = from?.accountId === other ? from.version : FIRST;
    const next = await readOther(sides, other, transfers, begun);
    if (next !== undefined) return { accountId: other, version: next };
  }
  return undefined;
};

const FIRST = Version.parse(1);

/** A transfer of which another account's stream says more than its row. */
interface Wanted {
  readonly ref: TransferRef;
  readonly other: AccountId;
  readonly row: TransferChange | undefined;
}

const readOther = async (
  { streams, store, compare, isTimeUp }: OtherSides,
  other: AccountId,
  transfers: readonly Wanted[],
  begun: Version,
): Promise<Version | undefined> => {
  const missing = new Set(transfers.map(({ ref }) => transferName(ref)));
  const isSource = (ref: TransferRef) => ref.from === other;
  const from = begun > 1 ? begun : await earliest(store, other, transfers);
  for await (const { commits, next } of streams.pages(other, from)) {
    const changes = foldCommits(commits).transfers.filter((change) =>
      missing.has(transferName(change)),
    );
    await compare({ accounts: [], transfers: changes });
    for (const change of changes) {
      const isLast = isSource(change) ? (change.settled ?? change.released) : change.credited;
      if (isLast) missing.delete(transferName(change));
    }
    if (missing.size === 0) return undefined;
    if (next && isTimeUp()) return next;
  }
  return undefined;
};

/** The version of another stream from which some transfers have to be looked for there. */
const earliest = async (
  store: OtherSides['store'],
  other: AccountId,
  transfers: readonly Wanted[],
): Promise<number> => {
  const versions: number[] = [];
  await inParallel(transfers, RECORDS_AT_ONCE, async ({ ref, row }) => {
    if (ref.from !== other) return;
    const known = row && beginningOf(row)?.version;
    versions.push(known ?? (await recordedBeginning(store, ref)) ?? 1);
  });
  const times = transfers.flatMap(({ ref, row }) => {
    const reserved = row && reservationStepOf(row);
    return ref.from !== other && reserved ? [Date.parse(reserved.at)] : [];
  });
  if (times.length > 0) {
    const at = new Date(Math.min(...times) - CLOCKS_APART_MS).toISOString();
    versions.push(await versionAt(store, other, at));
  }
  return Math.max(1, Math.min(...versions));
};

/** Where a transfer began, by the record that claims its id: the account's rows do not say it. */
const recordedBeginning = async (
  store: OtherSides['store'],
  { transferId, from }: TransferRef,
): Promise<number | undefined> => {
  const record = await store.recordOf(recordKey(transferId));
  if (record?.outcome !== 'accepted') return undefined;
  const { data } = Transfer.safeParse(record.answer);
  return data?.steps.find(({ accountId }) => accountId === from)?.version;
};

/** How far a stream was at a time; 0: not known, or it had not begun. */
const versionAt = async (
  store: OtherSides['store'],
  accountId: AccountId,
  at: string,
): Promise<number> => {
  try {
    return (await store.asOf(accountId, { at: Timestamp.parse(at) })).version;
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    return 0;
  }
};

/** Those of some transfers of which another stream may say more than their rows do. */
const wantedOf = async (
  { rowsOf }: OtherSides,
  accountId: AccountId,
  refs: readonly TransferRef[],
): Promise<readonly Wanted[]> => {
  const unique = [...new Map(refs.map((ref) => [transferName(ref), ref])).values()];
  const rows = await rowsOf(unique.map(({ transferId, from }) => transferKey(transferId, from)));
  const wanted: Wanted[] = [];
  const whole: { readonly wanted: Wanted; readonly pointers: readonly (Item & RowKey)[] }[] = [];
  for (const [index, ref] of unique.entries()) {
    const item = rows[index];
    // What later code has written is its own affair.
    if (item && rowSchemaOf(item) > ROW_SCHEMA) continue;
    const row = item && readOrPass(item, readTransferChange, () => {});
    if (ref.from === accountId) {
      // A transfer that is held still is credited nowhere.
      if (!row || !reservationStepOf(row) || row.credited || row.released) continue;
      const { to } = row;
      if (to !== undefined && to !== accountId) wanted.push({ ref, other: to, row });
      continue;
    }
    const one = { ref, other: ref.from, row };
    if (!row || !isWholeAtSource(row)) wanted.push(one);
    else whole.push({ wanted: one, pointers: pointerItems(row) });
  }
  const keys = whole.flatMap(({ pointers }) => pointers);
  const standing = await rowsOf(keys);
  const isThere = new Map(keys.map((key, index) => [key, isRight(key, standing[index])]));
  wanted.push(
    ...whole
      .filter(({ pointers }) => pointers.some((key) => !isThere.get(key)))
      .map((one) => one.wanted),
  );
  return wanted;
};

const isRight = (expected: Item & RowKey, standing: Item | undefined): boolean =>
  standing !== undefined &&
  Object.entries(expected).every(([name, value]) => standing[name] === value);
