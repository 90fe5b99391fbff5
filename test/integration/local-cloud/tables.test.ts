import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectToDynamoDb } from '../../../local-cloud/dynamodb/connection.ts';
import { createTables, type TableToCreate } from '../../../local-cloud/dynamodb/tables.ts';
import { describeStream } from '../../../local-cloud/streams/describe-stream.ts';
import { createShardReader } from '../../../local-cloud/streams/shard-reader.ts';
import { streamsOf } from '../../../local-cloud/streams/streams-api.ts';
import { eventually } from '../../setup/eventually.ts';

const key = (partition: string, sort: string): TableToCreate['properties']['KeySchema'] => [
  { AttributeName: partition, KeyType: 'HASH' },
  { AttributeName: sort, KeyType: 'RANGE' },
];

const events: TableToCreate = {
  logicalId: 'Events',
  name: 'ledger-events',
  properties: {
    TableName: 'ledger-events',
    AttributeDefinitions: [
      { AttributeName: 'streamId', AttributeType: 'S' },
      { AttributeName: 'version', AttributeType: 'N' },
    ],
    KeySchema: key('streamId', 'version'),
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
  },
};

const views: TableToCreate = {
  logicalId: 'Views',
  name: 'ledger-views',
  properties: {
    AttributeDefinitions: ['pk', 'sk', 'owner'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S' as const,
    })),
    KeySchema: key('pk', 'sk'),
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byOwner',
        KeySchema: key('owner', 'sk'),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['balance', 'at'] },
      },
      {
        IndexName: 'allOfOwner',
        KeySchema: key('owner', 'pk'),
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  },
};

const queue: TableToCreate = {
  logicalId: 'Queue',
  name: 'ledger-queue',
  properties: {
    AttributeDefinitions: [{ AttributeName: 'place', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'place', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  },
};

let client: DynamoDBClient;
let config: {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

beforeEach(() => {
  config = {
    endpoint: inject('dynamodb').endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' },
  };
  client = new DynamoDBClient(config);
});

afterEach(() => client.destroy());

it('tables are made as the template has them, and are told by logical id', async () => {
  const created = await createTables(client, [views, events]);

  expect(created.get('Events')).toEqual({
    tableName: 'ledger-events',
    tableArn: expect.stringMatching(/:table\/ledger-events$/),
    streamArn: expect.stringMatching(/:table\/ledger-events\/stream\//),
  });
  expect(created.get('Views')).not.toHaveProperty('streamArn');
  const { Table } = await client.send(new DescribeTableCommand({ TableName: 'ledger-views' }));
  expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual([
    'allOfOwner',
    'byOwner',
  ]);
  expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
});

it('tables that are there are left as they are, and keep their stream', async () => {
  const first = await createTables(client, [events, views]);
  const second = await createTables(client, [events, views]);

  expect(second).toEqual(first);
  expect((await client.send(new ListTablesCommand({}))).TableNames).toHaveLength(2);
});

describe('a time to live', () => {
  it('takes away what is over, and the stream says that DynamoDB did it', async () => {
    const created = await createTables(client, [queue]);
    const put = (place: string, expiresAt: number) => {
      const Item = { place: { S: place }, expiresAt: { N: String(Math.floor(expiresAt / 1_000)) } };
      return client.send(new PutItemCommand({ TableName: queue.name, Item }));
    };
    await put('over', Date.now() - 60_000);
    await put('young', Date.now() + 60_000_000);

    const connection = connectToDynamoDb(config);
    onTestFinished(() => connection.close());
    const [streams, streamArn] = [streamsOf(connection), created.get('Queue')?.streamArn ?? ''];
    const [shard] = (await describeStream(streams, streamArn)).shards;
    const reader = createShardReader(
      { streams, streamArn, shardId: shard?.id ?? '', report: () => {} },
      undefined,
    );
    const seen: unknown[] = [];
    await eventually(async () => {
      const { records } = await reader.read();
      seen.push(
        ...records.map(({ event: { eventName, dynamodb, userIdentity } }) => [
          eventName,
          dynamodb.Keys,
          userIdentity,
        ]),
      );
      expect(seen).toHaveLength(3);
    }, 20_000);
    expect(seen.at(-1)).toEqual([
      'REMOVE',
      { place: { S: 'over' } },
      { principalId: 'dynamodb.amazonaws.com', type: 'Service' },
    ]);
  });

  it('is set on a table whose maker was ended before that, and left where it is', async () => {
    const { TimeToLiveSpecification: _, ...withoutIt } = queue.properties;
    await createTables(client, [{ ...queue, properties: withoutIt }]);

    await createTables(client, [queue]);
    await createTables(client, [queue]);

    await expect(createTables(client, [{ ...queue, properties: withoutIt }])).rejects.toThrow(
      'its time to live is "expiresAt" where the template has "none"',
    );
  });

  it('by another attribute is refused', async () => {
    const other = { AttributeName: 'other', Enabled: true as const };
    await createTables(client, [
      { ...queue, properties: { ...queue.properties, TimeToLiveSpecification: other } },
    ]);

    await expect(createTables(client, [queue])).rejects.toThrow('its time to live is "other"');
  });
});

describe('a table that is there and differs is refused:', () => {
  const { StreamSpecification, ...withoutStream } = events.properties;
  const { GlobalSecondaryIndexes: [byOwner] = [], ...withoutIndexes } = views.properties;
  const differing: [string, TableToCreate, TableToCreate['properties']][] = [
    [
      'another key',
      events,
      { ...events.properties, KeySchema: key('streamId', 'version').slice(0, 1) },
    ],
    ['a missing stream', events, withoutStream],
    [
      'another stream',
      events,
      { ...events.properties, StreamSpecification: { StreamViewType: 'KEYS_ONLY' } },
    ],
    [
      'a missing index',
      views,
      { ...withoutIndexes, ...(byOwner && { GlobalSecondaryIndexes: [byOwner] }) },
    ],
  ];

  it.each(differing)('%s', async (_, table, { AttributeDefinitions, KeySchema, ...there }) => {
    const used = [
      ...KeySchema,
      ...(there.GlobalSecondaryIndexes?.flatMap((index) => index.KeySchema) ?? []),
    ];
    await client.send(
      new CreateTableCommand({
        TableName: table.name,
        KeySchema,
        AttributeDefinitions: AttributeDefinitions.filter(({ AttributeName }) =>
          used.some((it) => it.AttributeName === AttributeName),
        ),
        BillingMode: there.BillingMode,
        GlobalSecondaryIndexes: there.GlobalSecondaryIndexes,
        ...(there.StreamSpecification && {
          StreamSpecification: { StreamEnabled: true, ...there.StreamSpecification },
        }),
      }),
    );

    await expect(createTables(client, [table])).rejects.toThrow(
      `The table ${table.name} is there already, and its`,
    );
  });
});
