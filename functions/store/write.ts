import {
  type DynamoDBDocumentClient,
  PutCommand,
  type PutCommandInput,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { CommandRecord } from './command-record.ts';
import { type Commit, readCommit } from './commit.ts';
import { type FoundItem, failureOf } from './failure.ts';

/** Where commits and the records of commands are written. */
export interface WriteTables {
  readonly client: DynamoDBDocumentClient;
  readonly eventsTable: string;
  readonly commandsTable: string;
}

/** Items that are written together or not at all, each on the condition that its key is free. */
export interface Write {
  readonly commit?: Record<string, unknown> | undefined;
  readonly records: readonly CommandRecord[];
}

/** What became of one attempt to write. Each kind asks for another next step. */
export type WriteResult =
  | { readonly kind: 'landed' }
  /** The commit's place was taken by this one: decide again, after it. */
  | { readonly kind: 'lost'; readonly winner: Commit }
  /** A key of the command was used before: these records tell what came of it. */
  | { readonly kind: 'recorded'; readonly records: readonly CommandRecord[] }
  /** Another transaction held an item: nothing was written; send the same write again. */
  | { readonly kind: 'conflict' }
  /** Too fast: nothing was written; wait, then send the same write again. */
  | { readonly kind: 'throttled' }
  /** Nobody knows: send the same write again, its conditions will tell whether it landed. */
  | { readonly kind: 'unknown' };

/**
 * Writes a commit and the records of its commands: a put where there is one item, a transaction where there are more.
 * @returns what became of it.
 * @throws where DynamoDB refuses the request itself: nothing was written.
 */
export const write = async (tables: WriteTables, { commit, records }: Write): Promise<WriteResult> => {
  const puts = [
    ...(commit ? [putOnce(tables.eventsTable, commit)] : []),
    ...records.map((record) => putOnce(tables.commandsTable, record)),
  ];
  try {
    const [only] = puts;
    if (only && puts.length === 1) await tables.client.send(new PutCommand(only));
    else await tables.client.send(new TransactWriteCommand({ TransactItems: puts.map((Put) => ({ Put })) }));
    return { kind: 'landed' };
  } catch (error) {
    const failure = failureOf(error);
    return failure.kind === 'condition' ? conditionFailed(failure.found, commit !== undefined) : failure;
  }
};

const putOnce = (TableName: string, Item: Record<string, unknown>) =>
  ({
    TableName,
    Item,
    ConditionExpression: 'attribute_not_exists(streamId)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }) satisfies PutCommandInput;

/** A record that was found comes first: it tells the command's outcome, whoever has taken the commit's place since. */
const conditionFailed = (found: readonly (FoundItem | undefined)[], withCommit: boolean): WriteResult => {
  const items = found.map((item) => item && unmarshall(item));
  const records = items.slice(withCommit ? 1 : 0).filter((item) => item !== undefined);
  if (records.length > 0) {
    return { kind: 'recorded', records: records.map((record) => CommandRecord.parse(record)) };
  }
  return { kind: 'lost', winner: readCommit(items[0]) };
};
