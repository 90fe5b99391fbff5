import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../events/values.ts';
import type { Commit, CommittedEvent } from '../functions/store/stream/commit.ts';
import { isRecordItem, readRecord } from '../functions/store/writing/command-record.ts';
import type { RecordKey } from '../functions/store/writing/record-key.ts';
import type { FoundRecord } from '../functions/store/writing/write.ts';
import type { LedgerDatabase } from '../testing/ledger-database.ts';
import type { Environment } from './environments.ts';

/** An event, with its account. */
export type PlacedEvent = CommittedEvent & { readonly accountId: AccountId };

/** Whether an event is one side of a transfer that was carried out in one transaction. */
export const isAtOnce = ({ data }: PlacedEvent): boolean =>
  'counterpartyVersion' in data && data.counterpartyVersion !== undefined;

/** Whether an event is a leg of a posting. */
export const isLeg = ({ data }: Pick<PlacedEvent, 'data'>): boolean =>
  'postingId' in data && data.postingId !== undefined;

/** The contents of the tables. */
export interface Remains {
  readonly streams: ReadonlyMap<AccountId, readonly Commit[]>;
  readonly events: readonly PlacedEvent[];
  readonly records: ReadonlyMap<RecordKey, FoundRecord>;
}

/** Reads all items of a table, strongly consistent. */
export const scan = async ({ client }: Pick<Environment, 'client'>, TableName: string) => {
  const items: Record<string, unknown>[] = [];
  let cursor: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey: cursor }),
    );
    items.push(...(page.Items ?? []));
    cursor = page.LastEvaluatedKey;
  } while (cursor);
  return items;
};

/** Reads all records of commands. */
export const readRecords = async (observer: Environment, { tables }: LedgerDatabase) => {
  const records = (await scan(observer, tables.commands)).filter(isRecordItem).map(readRecord);
  return new Map<RecordKey, FoundRecord>(records.map((record) => [record.key, record]));
};

/** Reads the streams of accounts and all records. */
export const readRemains = async (
  observer: Environment,
  database: LedgerDatabase,
  accounts: readonly AccountId[],
): Promise<Remains> => {
  const streams = new Map<AccountId, readonly Commit[]>();
  for (const accountId of accounts) {
    const commits: Commit[] = [];
    for await (const commit of observer.store.history(accountId)) commits.push(commit);
    if (commits.length > 0) streams.set(accountId, commits);
  }
  const events = [...streams].flatMap(([accountId, commits]) =>
    commits.flatMap((commit) => commit.events.map((event) => ({ ...event, accountId }))),
  );
  return { streams, events, records: await readRecords(observer, database) };
};
