import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { startDynamoDbLocal } from '../infra/local/dynamodb-local.ts';
import { createMeter, meteredClient } from './metering.ts';

/** A database of its own in the engine, with the ledger's tables. */
export interface Database {
  /** For any client of it. */
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly tables: { readonly events: string; readonly commands: string; readonly views: string };
  /** The ARNs of the tables' streams; empty where there is none. */
  readonly streams: { readonly events: string; readonly commands: string };
}

/** A DynamoDB Local that was started for one round of measurements, and is warm. */
export interface Engine {
  readonly endpoint: string;
  /** An empty database that nobody else sees. */
  database(options?: DatabaseOptions): Promise<Database>;
}

/** What may differ from the tables as they are deployed. */
interface DatabaseOptions {
  /** Whether the events table has a stream, which every write to it is slower for. It has, unless this says otherwise. */
  readonly eventsStream?: boolean;
}

/**
 * Starts a fresh engine, warms it up, and ends it afterwards, whatever happens.
 * @param use what is to be done with it.
 */
export const withEngine = async <Result>(use: (engine: Engine) => Promise<Result>): Promise<Result> => {
  const running = await startDynamoDbLocal({ report: (line) => console.error(line) });
  const engine: Engine = {
    endpoint: running.endpoint,
    database: (options) => createDatabase(running.endpoint, options),
  };
  try {
    await warmUp(await engine.database());
    return await use(engine);
  } finally {
    await running.stop();
  }
};

const createDatabase = async (endpoint: string, { eventsStream = true }: DatabaseOptions = {}): Promise<Database> => {
  // DynamoDB Local has a database for every access key id.
  const credentials = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' };
  const config = { endpoint, region: 'us-east-1', credentials };
  const client = new DynamoDBClient(config);
  try {
    const events = await createTable(client, eventsTable(eventsStream));
    const commands = await createTable(client, commandsTable);
    await createTable(client, viewsTable);
    // DynamoDB Local keeps the records of all streams together, and every write looks for the oldest one of its own stream. Where
    // many others come before that, a transaction takes twice as long; see docs/benchmarks.md.
    await client.send(new PutItemCommand({ TableName: 'commands', Item: FIRST_KEY }));
    await client.send(new DeleteItemCommand({ TableName: 'commands', Key: FIRST_KEY }));
    return {
      config,
      tables: { events: 'events', commands: 'commands', views: 'views' },
      streams: { events, commands },
    };
  } finally {
    client.destroy();
  }
};

const FIRST_KEY = { streamId: { S: 'nobody' }, commandId: { S: 'first' } };

const createTable = async (client: DynamoDBClient, input: CreateTableCommandInput): Promise<string> => {
  const { TableDescription } = await client.send(new CreateTableCommand({ ...input, BillingMode: 'PAY_PER_REQUEST' }));
  return TableDescription?.LatestStreamArn ?? '';
};

const keys = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' as const },
  { AttributeName: sort, KeyType: 'RANGE' as const },
];

const text = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const });

const index = (name: string, partition: string, sort: string) => ({
  IndexName: name,
  KeySchema: keys(partition, sort),
  Projection: { ProjectionType: 'ALL' as const },
});

const newImages = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' as const } };

const eventsTable = (withStream: boolean): CreateTableCommandInput => ({
  TableName: 'events',
  AttributeDefinitions: [text('streamId'), { AttributeName: 'version', AttributeType: 'N' }],
  KeySchema: keys('streamId', 'version'),
  ...(withStream ? newImages : {}),
});

const commandsTable: CreateTableCommandInput = {
  TableName: 'commands',
  AttributeDefinitions: [text('streamId'), text('commandId')],
  KeySchema: keys('streamId', 'commandId'),
  ...newImages,
};

const viewsTable: CreateTableCommandInput = {
  TableName: 'views',
  AttributeDefinitions: ['pk', 'sk', 'owner', 'openedAt', 'from', 'to', 'order', 'openShard', 'openSince'].map(text),
  KeySchema: keys('pk', 'sk'),
  GlobalSecondaryIndexes: [
    index('accountsByOwner', 'owner', 'openedAt'),
    index('transfersBySource', 'from', 'order'),
    index('transfersByDestination', 'to', 'order'),
    index('openTransfers', 'openShard', 'openSince'),
  ],
};

/**
 * The engine's first thousands of operations are several times slower than the rest. Each kind is warmed on its own, eight at
 * a time, until that is behind it.
 */
const warmUp = async (database: Database): Promise<void> => {
  const client = meteredClient(database, createMeter());
  const until = performance.now() + WARM_UP_MS;
  const work = async (worker: number) => {
    for (let version = 1; performance.now() < until; version += 1) {
      const item = (streamId: string) => ({ streamId, version, filler });
      await client.send(
        new PutCommand({
          TableName: 'events',
          Item: item(`put-${worker}`),
          ConditionExpression: 'attribute_not_exists(streamId)',
        }),
      );
      await client.send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: { TableName: 'events', Item: item(`transaction-${worker}`) } },
            { Put: { TableName: 'commands', Item: { ...item(`command-${worker}`), commandId: `${version}` } } },
          ],
        }),
      );
      await client.send(
        new QueryCommand({
          TableName: 'events',
          KeyConditionExpression: 'streamId = :id',
          ExpressionAttributeValues: { ':id': `put-${worker}` },
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: 1,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
  client.destroy();
};

const WARM_UP_MS = 1_500;
const filler = 'x'.repeat(400);
