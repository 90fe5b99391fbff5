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
 * Makes empty tables in a DynamoDB Local, in a database that nobody else sees: a fresh access key id
 * is a fresh database.
 * @param options.eventsStream whether the events table has a stream, which makes every write to it
 *   slower.
 * @param options.queueStream the same of the queue's table.
 * @param options.within the access key id of a database to make them in: then they have names that
 *   no others have.
 */
export const createLedgerDatabase = async (
  endpoint: string,
  { eventsStream = true, queueStream = true, within }: LedgerDatabaseOptions = {},
): Promise<LedgerDatabase> => {
  const accessKeyId = within ?? randomBytes(10).toString('hex');
  const suffix = within === undefined ? '' : `-${randomBytes(5).toString('hex')}`;
  const config = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'local' },
  };
  const client = new DynamoDBClient(config);
  const create = async (table: Table): Promise<readonly [name: string, streamArn: string]> => {
    const TableName = `${table.TableName}${suffix}`;
    const { TableDescription } = await client.send(
      new CreateTableCommand({ ...table, TableName, BillingMode: 'PAY_PER_REQUEST' }),
    );
    return [TableName, TableDescription?.LatestStreamArn ?? ''];
  };
  try {
    // Tables with a stream come first: DynamoDB Local makes a later one pay for every stream record
    // before it.
    const [events, ofEvents] = await create({ ...eventsTable, ...(eventsStream && newImages) });
    const [queue, ofQueue] = await create({ ...queueTable, ...(queueStream && newImages) });
    const [commands] = await create(commandsTable);
    const [views] = await create(viewsTable);
    return {
      config,
      tables: { events, commands, queue, views },
      streams: { events: ofEvents, queue: ofQueue },
    };
  } finally {
    client.destroy();
  }
};

/** The options of {@link createLedgerDatabase}. */
export interface LedgerDatabaseOptions {
  readonly eventsStream?: boolean;
  readonly queueStream?: boolean;
  readonly within?: string;
}

type Table = CreateTableCommandInput & { readonly TableName: string };

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

const eventsTable: Table = {
  TableName: 'events',
  AttributeDefinitions: [text('streamId'), { AttributeName: 'version', AttributeType: 'N' }],
  KeySchema: keys('streamId', 'version'),
};

const commandsTable: Table = {
  TableName: 'commands',
  AttributeDefinitions: [text('key')],
  KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
};

/** It has no time to live: a test removes items itself, and no test runs that long. */
const queueTable: Table = {
  TableName: 'queue',
  AttributeDefinitions: [text('accountId'), text('place')],
  KeySchema: keys('accountId', 'place'),
};

const viewsTable: Table = {
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
