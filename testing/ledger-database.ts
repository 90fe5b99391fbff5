import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

/**
 * A database with the ledger's tables, for tests and benchmarks of the functions without the
 * template.
 */
export interface LedgerDatabase {
  /** For `new DynamoDBClient(config)`, or any other client of the same database. */
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** The tables' names. */
  readonly tables: {
    readonly events: string;
    readonly commands: string;
    readonly queue: string;
    readonly views: string;
  };
  /** The ARNs of the tables' streams; empty where there is none. */
  readonly streams: { readonly events: string; readonly queue: string };
}

/**
 * Makes an empty database in a DynamoDB Local, seen by nobody else: a fresh access key id is a
 * fresh database.
 * @param options.eventsStream whether the events table has a stream, which makes every write to it
 *   slower.
 */
export const createLedgerDatabase = async (
  endpoint: string,
  { eventsStream = true }: { readonly eventsStream?: boolean } = {},
): Promise<LedgerDatabase> => {
  const credentials = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' };
  const config = { endpoint, region: 'us-east-1', credentials };
  const client = new DynamoDBClient(config);
  try {
    // Tables with a stream come first: DynamoDB Local makes a later one pay for every stream record
    // before it.
    const events = await createTable(client, eventsTable(eventsStream));
    const queue = await createTable(client, queueTable);
    await createTable(client, commandsTable);
    await createTable(client, viewsTable);
    return {
      config,
      tables: { events: 'events', commands: 'commands', queue: 'queue', views: 'views' },
      streams: { events, queue },
    };
  } finally {
    client.destroy();
  }
};

const createTable = async (
  client: DynamoDBClient,
  input: CreateTableCommandInput,
): Promise<string> => {
  const { TableDescription } = await client.send(
    new CreateTableCommand({ ...input, BillingMode: 'PAY_PER_REQUEST' }),
  );
  return TableDescription?.LatestStreamArn ?? '';
};

const newImages = {
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' as const },
};

const keys = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' as const },
  { AttributeName: sort, KeyType: 'RANGE' as const },
];

const text = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const });

const index = (name: string, partition: string, sort: string) => ({
  IndexName: name,
  KeySchema: keys(partition, sort),
  Projection: { ProjectionType: 'KEYS_ONLY' as const },
});

const eventsTable = (withStream: boolean): CreateTableCommandInput => ({
  TableName: 'events',
  AttributeDefinitions: [text('streamId'), { AttributeName: 'version', AttributeType: 'N' }],
  KeySchema: keys('streamId', 'version'),
  ...(withStream ? newImages : {}),
});

const commandsTable: CreateTableCommandInput = {
  TableName: 'commands',
  AttributeDefinitions: [text('key')],
  KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
};

/** It has no time to live: a test removes items itself, and no test runs that long. */
const queueTable: CreateTableCommandInput = {
  TableName: 'queue',
  AttributeDefinitions: [text('accountId'), text('place')],
  KeySchema: keys('accountId', 'place'),
  ...newImages,
};

const viewsTable: CreateTableCommandInput = {
  TableName: 'views',
  AttributeDefinitions: ['pk', 'sk', 'ownerShard', 'ownerPlace', 'openShard', 'openSince'].map(
    text,
  ),
  KeySchema: keys('pk', 'sk'),
  GlobalSecondaryIndexes: [
    index('accountsByOwner', 'ownerShard', 'ownerPlace'),
    index('openTransfers', 'openShard', 'openSince'),
  ],
};
