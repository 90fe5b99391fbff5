import {
  type DynamoDBDocumentClient,
  PutCommand,
  type PutCommandInput,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { answered } from '../../runtime/answered.ts';
import { type FoundItem, failureOf } from '../../runtime/failure.ts';
import { type Commit, readCommit } from '../stream/commit.ts';
import {
  type CommandRecord,
  type PendingCommand,
  readRecord,
  recordItem,
  type UnreadableRecord,
} from './command-record.ts';
import {
  isTotalItem,
  type ReversedTotal,
  readTotal,
  type TotalWrite,
  totalItem,
} from './reversed-total.ts';

/** Where commits, the records of commands and the queue of pending ones are written. */
export interface WriteTables {
  readonly client: DynamoDBDocumentClient;
  readonly eventsTable: string;
  readonly commandsTable: string;
  readonly queueTable: string;
}

/** The most items that one transaction may have. */
export const MAX_TRANSACTION_ITEMS = 100;

/** A record, and what may stand under its key when it is written. */
export interface RecordWrite {
  readonly record: CommandRecord;
  /** The `writeId` of the one record that it may replace; absent: the key must be free. */
  readonly replaces?: string | undefined;
}

/** A pending command at its place in its account's queue. */
type QueuedCommand = PendingCommand & { readonly place: string; readonly expiresAt: number };

/** Items that are written together or not at all. */
export interface Write {
  /**
   * The call that writes makes this id for this content alone: an item that has it is of this very
   * write.
   */
  readonly writeId: string;
  /** Commits, each of another stream, on the condition that its place there is free. */
  readonly commits?: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly records: readonly RecordWrite[];
  readonly totals?: readonly TotalWrite[] | undefined;
  readonly queued?: QueuedCommand | undefined;
}

/** A record as it was found, or one that this code cannot read. */
export type FoundRecord = CommandRecord | UnreadableRecord;

/** What became of one attempt to write. Each kind asks for another next step. */
export type WriteResult =
  | { readonly kind: 'landed' }
  /**
   * A condition did not hold, and nothing was written. `winners` have taken commits' places: decide
   * again, after them. `records` stand under keys of the commands: they tell what came of them.
   * `totals` have taken the place of those that the write follows.
   * Nothing is known of the other items, least of all that their conditions held: DynamoDB gives a
   * reason for some items only.
   */
  | {
      readonly kind: 'refused';
      readonly winners: readonly Commit[];
      readonly records: readonly FoundRecord[];
      readonly totals: readonly ReversedTotal[];
    }
  /** Another transaction held an item: nothing was written; send the same write again. */
  | { readonly kind: 'conflict' }
  /** Requests came too fast: nothing was written; wait, then send the same write again. */
  | { readonly kind: 'throttled' }
  /**
   * DynamoDB refused the signature or the clock: nothing was written; send the same write again.
   */
  | { readonly kind: 'turned_away' }
  /**
   * The result is unknown: send the same write again, its conditions will tell whether it landed.
   */
  | { readonly kind: 'unknown' };

/**
 * Writes commits, the records of their commands and a place in the queue: one item by a put, several
 * in a transaction.
 * @returns what became of it.
 * @throws where DynamoDB refuses the request itself: nothing was written.
 */
export const write = async (
  tables: WriteTables,
  { commits = [], records, totals = [], queued }: Write,
): Promise<WriteResult> => {
  const puts = [
    ...commits.map((commit) => putWhere(tables.eventsTable, commit, placeIsFree)),
    ...records.map(({ record, replaces }) =>
      putWhere(tables.commandsTable, recordItem(record), mayBeWritten(replaces)),
    ),
    ...totals.map(({ total, replaces }) =>
      putWhere(tables.commandsTable, totalItem(total), mayBeWritten(replaces)),
    ),
    // A place is named after its write, so nothing else can stand there.
    ...(queued ? [{ TableName: tables.queueTable, Item: queued }] : []),
  ];
  const ReturnConsumedCapacity = 'TOTAL';
  try {
    const [only] = puts;
    answered(
      only && puts.length === 1
        ? await tables.client.send(new PutCommand({ ...only, ReturnConsumedCapacity }))
        : await tables.client.send(
            new TransactWriteCommand({
              TransactItems: puts.map((Put) => ({ Put })),
              ReturnConsumedCapacity,
            }),
          ),
    );
    return { kind: 'landed' };
  } catch (error) {
    const failure = failureOf(error);
    return failure.kind === 'condition' ? refusal(failure.items, commits.length) : failure;
  }
};

const placeIsFree = { ConditionExpression: 'attribute_not_exists(streamId)' };

const mayBeWritten = (replaces: string | undefined) =>
  replaces === undefined
    ? {
        ConditionExpression: 'attribute_not_exists(#key)',
        ExpressionAttributeNames: { '#key': 'key' },
      }
    : {
        ConditionExpression: '#writeId = :replaces',
        ExpressionAttributeNames: { '#writeId': 'writeId' },
        ExpressionAttributeValues: { ':replaces': replaces },
      };

const putWhere = (
  TableName: string,
  Item: Readonly<Record<string, unknown>>,
  condition: Pick<
    PutCommandInput,
    'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
  >,
) =>
  ({
    TableName,
    Item,
    ...condition,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }) satisfies PutCommandInput;

const refusal = (items: readonly (FoundItem | 'not_known')[], commits: number): WriteResult => {
  const found = (of: readonly (FoundItem | 'not_known')[]) =>
    of.flatMap((item) =>
      item === 'not_known' || Object.keys(item).length === 0 ? [] : [unmarshall(item)],
    );
  const beside = found(items.slice(commits));
  return {
    kind: 'refused',
    winners: found(items.slice(0, commits)).map(readCommit),
    records: beside.filter((item) => !isTotalItem(item)).map(readRecord),
    totals: beside.filter(isTotalItem).map(readTotal),
  };
};
