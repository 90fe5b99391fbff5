import { randomBytes } from 'node:crypto';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject } from 'vitest';

/** A database of its own inside the shared DynamoDB Local, with the ledger's tables. */
export interface TestDatabase {
  /** For `new DynamoDBClient(config)`, or any other client of the same database. */
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** The tables' names. */
  readonly tables: { readonly events: string; readonly commands: string; readonly views: string };
  /** The ARNs of the tables' streams. */
  readonly streams: { readonly events: string; readonly commands: string };
}

/**
 * Makes an empty database with the tables events, commands and views, seen by nobody else: a fresh access key id is a
 * fresh database. Call it once per file, or once per test that needs an empty stream.
 */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const config = {
    endpoint: inject('dynamodb').endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' },
  };
  const client = new DynamoDBClient(config);
  try {
    // Tables with a stream first: DynamoDB Local makes one that comes later pay for every record before it.
    const events = await createTable(client, eventsTable);
    const commands = await createTable(client, commandsTable);
    await createTable(client, viewsTable);
    return {
      config,
      tables: { events: 'events', commands: 'commands', views: 'views' },
      streams: { events, commands },
    };
  } finally {
    client.destroy();
  }
};

const createTable = async (client: DynamoDBClient, input: CreateTableCommandInput): Promise<string> => {
  const { TableDescription } = await client.send(new CreateTableCommand({ ...input, BillingMode: 'PAY_PER_REQUEST' }));
  return TableDescription?.LatestStreamArn ?? '';
};

const newImages = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } as const;

const keys = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' as const },
  { AttributeName: sort, KeyType: 'RANGE' as const },
];

const index = (name: string, partition: string, sort: string) => ({
  IndexName: name,
  KeySchema: keys(partition, sort),
  Projection: { ProjectionType: 'ALL' as const },
});

const string = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const });

const eventsTable: CreateTableCommandInput = {
  TableName: 'events',
  AttributeDefinitions: [string('streamId'), { AttributeName: 'version', AttributeType: 'N' }],
  KeySchema: keys('streamId', 'version'),
  StreamSpecification: newImages,
};

const commandsTable: CreateTableCommandInput = {
  TableName: 'commands',
  AttributeDefinitions: [string('streamId'), string('commandId')],
  KeySchema: keys('streamId', 'commandId'),
  StreamSpecification: newImages,
};

const viewsTable: CreateTableCommandInput = {
  TableName: 'views',
  AttributeDefinitions: ['pk', 'sk', 'owner', 'openedAt', 'from', 'to', 'order', 'openShard', 'openSince'].map(string),
  KeySchema: keys('pk', 'sk'),
  GlobalSecondaryIndexes: [
    index('accountsByOwner', 'owner', 'openedAt'),
    index('transfersBySource', 'from', 'order'),
    index('transfersByDestination', 'to', 'order'),
    index('openTransfers', 'openShard', 'openSince'),
  ],
};
