import { randomBytes } from 'node:crypto';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createTables, type TableToCreate } from '../../../local-cloud/dynamodb/tables.ts';

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
      { IndexName: 'allOfOwner', KeySchema: key('owner', 'pk'), Projection: { ProjectionType: 'ALL' } },
    ],
  },
};

let client: DynamoDBClient;

beforeEach(() => {
  client = new DynamoDBClient({
    endpoint: inject('dynamodb').endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' },
  });
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
  expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual(['allOfOwner', 'byOwner']);
  expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
});

it('tables that are there are left as they are, and keep their stream', async () => {
  const first = await createTables(client, [events, views]);
  const second = await createTables(client, [events, views]);

  expect(second).toEqual(first);
  expect((await client.send(new ListTablesCommand({}))).TableNames).toHaveLength(2);
});

describe('a table that is there and differs is refused:', () => {
  const { StreamSpecification, ...withoutStream } = events.properties;
  const { GlobalSecondaryIndexes: [byOwner] = [], ...withoutIndexes } = views.properties;
  const differing: [string, TableToCreate, TableToCreate['properties']][] = [
    ['another key', events, { ...events.properties, KeySchema: key('streamId', 'version').slice(0, 1) }],
    ['a missing stream', events, withoutStream],
    ['another stream', events, { ...events.properties, StreamSpecification: { StreamViewType: 'KEYS_ONLY' } }],
    ['a missing index', views, { ...withoutIndexes, ...(byOwner && { GlobalSecondaryIndexes: [byOwner] }) }],
  ];

  it.each(differing)('%s', async (_, table, { AttributeDefinitions, KeySchema, ...there }) => {
    const used = [...KeySchema, ...(there.GlobalSecondaryIndexes?.flatMap((index) => index.KeySchema) ?? [])];
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

    await expect(createTables(client, [table])).rejects.toThrow(`The table ${table.name} is there already, and its`);
  });
});
