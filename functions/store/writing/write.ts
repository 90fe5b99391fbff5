import {
  type DynamoDBDocumentClient,
  PutCommand,
  type PutCommandInput,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { type FoundItem, failureOf } from '../../runtime/failure.ts';
import { CommandRecord } from '../deciding/command-record.ts';
import { type Commit, readCommit } from '../stream/commit.ts';

/** Where commits and the records of commands are written. */
export interface WriteTables {
  readonly client: DynamoDBDocumentClient;
  readonly eventsTable: string;
  readonly commandsTable: string;
}

/** The most items that one transaction may have. */
export const MAX_TRANSACTION_ITEMS = 100;

/** Items that are written together or not at all. */
export interface Write {
  /** The commit, on the condition that its place in the stream is free. */
  readonly commit?: Record<string, unknown> | undefined;
  /** Records of commands, each on the condition that its key is free, or, with `pending`, that its command still waits. */
  readonly records: readonly CommandRecord[];
  readonly pending?: boolean;
}

/** What became of one attempt to write. Each kind asks for another next step. */
export type WriteResult =
  | { readonly kind: 'landed' }
  /**
   * A condition did not hold, and nothing was written. `winner` has taken the commit's place: decide again, after it.
   * `records` stand under keys of the commands: they tell what came of them. `refused` are the ids of all commands whose
   * condition did not hold, also where nothing stands under their key any more.
   */
  | {
      readonly kind: 'refused';
      readonly winner: Commit | undefined;
      readonly records: readonly CommandRecord[];
      readonly refused: ReadonlySet<string>;
    }
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
export const write = async (tables: WriteTables, { commit, records, pending }: Write): Promise<WriteResult> => {
  const puts = [
    ...(commit ? [putWhere(tables.eventsTable, commit, keyIsFree)] : []),
    ...records.map((record) => putWhere(tables.commandsTable, record, pending ? stillPending(record) : keyIsFree)),
  ];
  try {
    const [only] = puts;
    if (only && puts.length === 1) await tables.client.send(new PutCommand(only));
    else await tables.client.send(new TransactWriteCommand({ TransactItems: puts.map((Put) => ({ Put })) }));
    return { kind: 'landed' };
  } catch (error) {
    const failure = failureOf(error);
    return failure.kind === 'condition' ? refusal(failure.found, commit !== undefined, records) : failure;
  }
};

const keyIsFree = { ConditionExpression: 'attribute_not_exists(streamId)' };

/**
 * The condition that a command still waits: this very one, for its key may have been given back and taken by another.
 */
export const stillPending = ({ request }: { readonly request: string }) => ({
  ConditionExpression: '#outcome = :pending AND #request = :request',
  ExpressionAttributeNames: { '#outcome': 'outcome', '#request': 'request' },
  ExpressionAttributeValues: { ':pending': 'pending', ':request': request },
});

const putWhere = (
  TableName: string,
  Item: Record<string, unknown>,
  condition: typeof keyIsFree | ReturnType<typeof stillPending>,
) => ({ TableName, Item, ...condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }) satisfies PutCommandInput;

const refusal = (
  found: readonly (FoundItem | undefined)[],
  withCommit: boolean,
  records: readonly CommandRecord[],
): WriteResult => {
  const items = found.map((item) => item && unmarshall(item));
  const [place, ...rest] = withCommit ? items : [undefined, ...items];
  return {
    kind: 'refused',
    winner: place && readCommit(place),
    records: rest.flatMap((item) => (item?.['streamId'] ? [CommandRecord.parse(item)] : [])),
    refused: new Set(records.flatMap(({ commandId }, index) => (rest[index] ? [commandId] : []))),
  };
};
