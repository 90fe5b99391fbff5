import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { type AccountId, type Timestamp, Version } from '../../../events/values.ts';
import { ACCOUNT_SCHEMA } from '../../ledger/account.ts';
import { answered, UnreadableAnswer } from '../../runtime/answered.ts';
import type { Ask } from '../../runtime/patience.ts';
import { type Commit, readCommit } from './commit.ts';
import { emptyTail, follow, hasSnapshot, type Tail, tailAt } from './tail.ts';

/** Where streams are read from. */
export interface EventsTable {
  readonly client: DynamoDBDocumentClient;
  readonly eventsTable: string;
}

/**
 * Reads a stream's tail, strongly consistent: one query of one item where the last commit carries a
 * snapshot, else one more for the commits back to the latest that does.
 * @param ask sends each of the requests.
 * @returns the tail; version 0 where there is no such stream.
 * @throws whatever `ask` throws, and {@link Error} for a stream that cannot be read.
 */
export const loadTail = async (
  table: EventsTable,
  ask: Ask,
  streamId: AccountId,
): Promise<Tail> => {
  const last = await ask(() => lastCommit(table, streamId));
  return last ? tailOf(table, ask, last) : emptyTail(streamId);
};

/**
 * Reads a stream as it was at a version or a time, from the nearest snapshot before it.
 * @param ask sends each of the requests: a time in a long stream takes many.
 * @returns the tail as it was then; version 0 where that was before its first event. A version
 *   beyond the last event, or a time after it, gives the stream as it stands.
 */
export const tailAsOf = async (
  table: EventsTable,
  ask: Ask,
  streamId: AccountId,
  moment: { readonly version: Version } | { readonly at: Timestamp },
): Promise<Tail> => {
  if ('at' in moment) {
    const commit = await lastCommitAt(table, ask, streamId, moment.at);
    return commit ? tailOf(table, ask, commit) : emptyTail(streamId);
  }
  const commit = await ask(() => lastCommit(table, streamId, moment.version));
  if (!commit) return emptyTail(streamId);
  if (commit.version + commit.count - 1 <= moment.version) return tailOf(table, ask, commit);
  // The version lies inside a commit: take the stream before it and the first of its events.
  const before =
    commit.version === 1
      ? emptyTail(streamId)
      : await tailAsOf(table, ask, streamId, { version: Version.parse(commit.version - 1) });
  const { snapshot: _, ...first } = commit;
  const events = commit.events.filter((event) => event.version <= moment.version);
  return follow(before, { ...first, events, count: events.length });
};

/**
 * Reads a stream's commits, oldest first, in pages as DynamoDB gives them (at most 1 MB each).
 * @param ask sends each page's request: in a long history some answers are lost.
 * @param range versions, both ends included; the commit that holds `from` is the first. Without it:
 *   the whole stream. `pageSize`: how many a request reads, at most.
 */
export async function* readHistory(
  table: EventsTable,
  ask: Ask,
  streamId: AccountId,
  {
    from = 1,
    to = Number.MAX_SAFE_INTEGER,
    pageSize,
  }: { readonly from?: number; readonly to?: number; readonly pageSize?: number } = {},
): AsyncGenerator<Commit> {
  const holding = from > 1 ? await ask(() => lastCommit(table, streamId, from)) : undefined;
  yield* commitsBetween(table, ask, streamId, holding?.version ?? from, to, pageSize);
}

/**
 * Reads a stream's commits, newest first. Each is read when its turn comes: one that cannot be read
 * does not hide the newer ones.
 * @param ask sends each page's request.
 * @param range.notAfter the newest commit is the one that holds this version. Without it: the last.
 * @param range.pageSize how many commits a request reads.
 * @throws {Error} where the next commit cannot be read.
 */
export async function* readBackwards(
  { client, eventsTable }: EventsTable,
  ask: Ask,
  streamId: AccountId,
  {
    notAfter = Number.MAX_SAFE_INTEGER,
    pageSize,
  }: { readonly notAfter?: number; readonly pageSize: number },
): AsyncGenerator<Commit> {
  let cursor: Record<string, unknown> | undefined;
  do {
    const page = await ask(() =>
      query(client, {
        ...newestFirst(eventsTable, streamId, notAfter, pageSize),
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    for (const item of page.items) yield readCommit(item);
    cursor = page.next;
  } while (cursor);
}

/**
 * Reads the commit that holds an event.
 * @returns `undefined` where there is no such event.
 */
export const readCommitAt = async (
  table: EventsTable,
  ask: Ask,
  streamId: AccountId,
  version: number,
): Promise<Commit | undefined> => {
  const commit = await ask(() => lastCommit(table, streamId, version));
  return commit && version < commit.version + commit.count ? commit : undefined;
};

/**
 * The version of a stream's last event, strongly consistent, whether the commit that holds it can
 * be read or not; 0: there is no such stream.
 */
export const readVersion = async (
  { client, eventsTable }: EventsTable,
  ask: Ask,
  streamId: AccountId,
): Promise<number> => {
  const { items } = await ask(() => query(client, newestFirst(eventsTable, streamId)));
  const [last] = items;
  return last ? Number(last['version']) + Number(last['count'] ?? 1) - 1 : 0;
};

async function* commitsBetween(
  { client, eventsTable }: EventsTable,
  ask: Ask,
  streamId: AccountId,
  from: number,
  to: number,
  pageSize?: number,
): AsyncGenerator<Commit> {
  let cursor: Record<string, unknown> | undefined;
  do {
    const page = await ask(() =>
      query(client, {
        TableName: eventsTable,
        KeyConditionExpression: 'streamId = :streamId AND #version BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':streamId': streamId, ':from': from, ':to': to },
        ...(pageSize === undefined ? {} : { Limit: pageSize }),
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    for (const item of page.items) yield readCommit(item);
    cursor = page.next;
  } while (cursor);
}

const lastCommit = async (
  { client, eventsTable }: EventsTable,
  streamId: AccountId,
  notAfter?: number,
): Promise<Commit | undefined> => {
  const { items } = await query(client, newestFirst(eventsTable, streamId, notAfter));
  return items[0] && readCommit(items[0]);
};

/** The query for the newest commits that begin at or before a version. */
const newestFirst = (
  TableName: string,
  streamId: AccountId,
  notAfter: number = Number.MAX_SAFE_INTEGER,
  Limit = 1,
): QueryCommandInput => ({
  TableName,
  KeyConditionExpression: 'streamId = :streamId AND #version <= :notAfter',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':streamId': streamId, ':notAfter': notAfter },
  ScanIndexForward: false,
  Limit,
});

/**
 * Strongly consistent. An answer that says nothing is an error, and never "there is no such
 * stream".
 */
const query = async (client: DynamoDBDocumentClient, input: QueryCommandInput) => {
  const { Items, LastEvaluatedKey } = answered(
    await client.send(
      new QueryCommand({ ...input, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' }),
    ),
  );
  if (!Items) throw new UnreadableAnswer();
  return { items: Items, next: LastEvaluatedKey };
};

/**
 * Times never go back along a stream, so the last commit at a time is found by halving: one item
 * read per step.
 */
const lastCommitAt = async (
  table: EventsTable,
  ask: Ask,
  streamId: AccountId,
  at: Timestamp,
): Promise<Commit | undefined> => {
  const last = await ask(() => lastCommit(table, streamId));
  if (!last || last.at <= at) return last;
  let found: Commit | undefined;
  let [low, high] = [1, last.version - 1];
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const commit = await ask(() => lastCommit(table, streamId, middle));
    if (commit && commit.at <= at) {
      found = commit;
      low = commit.version + commit.count;
    } else {
      high = (commit?.version ?? low) - 1;
    }
  }
  return found;
};

/** The tail of a stream at one of its commits: that commit's snapshot, or folded from the latest. */
export const tailOf = async (table: EventsTable, ask: Ask, last: Commit): Promise<Tail> => {
  if (hasSnapshot(last)) return tailAt(last);
  const from = last.snapshots[ACCOUNT_SCHEMA];
  // Without a snapshot that this code can read it folds everything, once: the next commit has a new
  // one.
  const tail =
    (from && (await foldFrom(table, ask, last, from))) || (await foldFrom(table, ask, last, 1));
  if (!tail) throw new Error(`stream ${last.streamId}: its first commit is missing`);
  return tail;
};

const foldFrom = async (
  table: EventsTable,
  ask: Ask,
  last: Commit,
  from: number,
): Promise<Tail | undefined> => {
  let tail: Tail | undefined;
  for await (const commit of commitsBetween(table, ask, last.streamId, from, last.version)) {
    if (tail) tail = follow(tail, commit);
    else if (hasSnapshot(commit)) tail = tailAt(commit);
    else if (commit.version === 1) tail = follow(emptyTail(last.streamId), commit);
    else return undefined;
  }
  return tail;
};
