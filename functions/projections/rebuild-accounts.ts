import * as z from 'zod/mini';
import { AccountId, Version } from '../../events/values.ts';
import type { Look } from '../runtime/look-together.ts';
import type { Ask } from '../runtime/patience.ts';
import type { Commit } from '../store/stream/commit.ts';
import { accountPartition } from '../views/account-rows.ts';
import { pointedAt } from '../views/pointer-row.ts';
import type { Item } from '../views/row.ts';
import { transferKey } from '../views/transfer-row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import type { Findings, RowKey } from './differences.ts';
import { foldCommits } from './fold-commits.ts';
import {
  type OtherPlace,
  type OtherSides,
  readOtherSides,
  type TransferRef,
} from './other-sides.ts';
import { queryPartition, TableKey } from './scan-segment.ts';

/** Where to go on in the first of some accounts; without any of it, at its beginning. */
export const PlaceInAccount = z.strictObject({
  /** The key of the last row that stands under the account and was looked at. */
  after: z.optional(TableKey),
  /** The version of its stream: its rows have all been looked at. */
  from: z.optional(Version),
  /** Among the other accounts whose streams the page that begins there needs. */
  other: z.optional(z.strictObject({ accountId: AccountId, version: Version })),
});
type PlaceInAccount = z.infer<typeof PlaceInAccount>;

/** Some accounts, and where to go on in the first of them. */
type Accounts = PlaceInAccount & {
  readonly accounts: AccountId[];
  readonly diff?: boolean | undefined;
};

/** What making the views of accounts again takes. */
export interface RebuildAccounts extends Omit<OtherSides, 'rowsOf'> {
  readonly views: ViewsTable;
  readonly ask: Ask;
  readonly look: Look;
  readonly findings: Pick<Findings, 'unknown'>;
  /** Holds rows to their events. */
  readonly check: (items: readonly Item[]) => Promise<void>;
}

/**
 * Makes the views of some accounts again: the rows that stand under them and those of their
 * transfers, then what their streams say. What an account's own stream does not say of its
 * transfers is read from the other accounts' streams, and before any row goes that only they could
 * bring back: a pointer to an incoming transfer leads to it, or the credit does. A transfer that is
 * not credited and to which no pointer leads is not found from its destination.
 * @returns the input that goes on, where the time was up.
 */
export const rebuildAccounts = async (
  parts: RebuildAccounts,
  { after, from, other, ...of }: Accounts,
): Promise<Accounts | undefined> => {
  for (const [index, accountId] of of.accounts.entries()) {
    const rest = { ...of, accounts: of.accounts.slice(index) };
    if (index > 0 && parts.isTimeUp()) return rest;
    const next = await rebuildAccount(parts, accountId, index === 0 ? { after, from, other } : {});
    if (next) return { ...rest, ...next };
  }
  return undefined;
};

const rebuildAccount = async (
  parts: RebuildAccounts,
  accountId: AccountId,
  { after, from, other }: PlaceInAccount,
): Promise<PlaceInAccount | undefined> => {
  const { views, ask, streams, findings, isTimeUp } = parts;
  let goOn = other;
  if (from === undefined) {
    let begin = after;
    const pk = accountPartition(accountId);
    for await (const { items, next } of queryPartition(views.client, views.table, ask, {
      pk,
      after,
    })) {
      const place = await rebuildRows(parts, accountId, items, goOn);
      if (place) return { ...(begin && { after: begin }), other: place };
      goOn = undefined;
      if (isTimeUp()) return next ? { after: next } : { from: Version.parse(1) };
      begin = next;
    }
  }
  let begin = from ?? Version.parse(1);
  for await (const { commits, isEmpty, next } of streams.pages(accountId, begin)) {
    if (isEmpty && begin === 1) findings.unknown(accountId);
    const place = await rebuildCommits(parts, accountId, commits, goOn);
    if (place) return { from: begin, other: place };
    goOn = undefined;
    if (next === undefined) return undefined;
    if (isTimeUp()) return { from: next };
    begin = next;
  }
  return undefined;
};

/** Holds some of what stands under an account to its events, and the transfers that it leads to. */
const rebuildRows = async (
  parts: RebuildAccounts,
  accountId: AccountId,
  items: readonly Item[],
  goOn: OtherPlace | undefined,
): Promise<OtherPlace | undefined> => {
  const refs = items.flatMap((item) => pointedAt(item) ?? []);
  if (!goOn) await checkTransfers(parts, refs);
  const place = await readOtherSides({ ...parts, rowsOf: rowsOf(parts) }, accountId, refs, goOn);
  if (place) return place;
  // What the other streams say has been written, over what was wrong: what is wrong still may go.
  const now = await rowsOf(parts)(items.map(keyOf));
  await parts.check(now.filter((item) => item !== undefined));
  return undefined;
};

/** Holds the views to some commits of an account, and the transfers that these are of. */
const rebuildCommits = async (
  parts: RebuildAccounts,
  accountId: AccountId,
  commits: readonly Commit[],
  goOn: OtherPlace | undefined,
): Promise<OtherPlace | undefined> => {
  const refs = commits.flatMap((commit) => transfersIn(commit));
  if (!goOn) {
    await parts.compare(foldCommits(commits));
    await checkTransfers(parts, refs);
  }
  return readOtherSides({ ...parts, rowsOf: rowsOf(parts) }, accountId, refs, goOn);
};

/** The transfers that a commit has a step of. */
const transfersIn = ({ streamId, events }: Commit): readonly TransferRef[] =>
  events.flatMap(({ type, data }) => {
    if (!('transferId' in data) || !data.transferId) return [];
    const from = type === 'MoneyDeposited' ? data.counterparty : streamId;
    return from ? [{ transferId: data.transferId, from }] : [];
  });

const checkTransfers = async (
  parts: RebuildAccounts,
  refs: readonly TransferRef[],
): Promise<void> => {
  const keys = new Map(
    refs.map(({ transferId, from }) => [`${transferId}/${from}`, transferKey(transferId, from)]),
  );
  const rows = await rowsOf(parts)([...keys.values()]);
  await parts.check(rows.filter((row) => row !== undefined));
};

const rowsOf =
  ({ ask, look }: RebuildAccounts): OtherSides['rowsOf'] =>
  (keys) =>
    Promise.all(keys.map(({ pk, sk }) => ask(() => look({ pk, sk }))));

const keyOf = ({ pk, sk }: Item): RowKey => ({ pk: String(pk), sk: String(sk) });
