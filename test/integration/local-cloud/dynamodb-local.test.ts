import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { startDynamoDbLocal } from '../../../local-cloud/dynamodb/dynamodb-local.ts';
import { createTestDatabaseWithStreams } from '../../setup/tables.ts';

it('a test database has the four tables and is seen by nobody else', async () => {
  const [one, another] = await Promise.all([
    createTestDatabaseWithStreams(),
    createTestDatabaseWithStreams(),
  ]);
  const { TableNames } = await new DynamoDBClient(one.config).send(new ListTablesCommand({}));
  expect(TableNames).toEqual(['commands', 'events', 'queue', 'views']);
  expect(another.config.credentials.accessKeyId).not.toBe(one.config.credentials.accessKeyId);
  expect(one.streams.events).toContain(':table/events/stream/');
});

const clientOf = (endpoint: string) => {
  const credentials = { accessKeyId: 'kept', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
};

it('what is in a directory is there again after a restart, and nothing answers in between', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'dynamodb-'));
  onTestFinished(() => rm(dataDirectory, { recursive: true }));
  const item = { TableName: 'table', Item: { key: { S: 'a' } } };

  const first = await startDynamoDbLocal({ dataDirectory, report: () => {} });
  onTestFinished(first.stop);
  const client = clientOf(first.endpoint);
  await client.send(
    new CreateTableCommand({
      TableName: 'table',
      AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  await client.send(new PutItemCommand(item));
  await first.stop();
  await expect(client.send(new ListTablesCommand({}))).rejects.toThrow('ECONNREFUSED');

  const second = await startDynamoDbLocal({ dataDirectory, report: () => {} });
  onTestFinished(second.stop);
  const found = await clientOf(second.endpoint).send(
    new GetItemCommand({ TableName: 'table', Key: item.Item }),
  );
  expect(found.Item).toEqual(item.Item);
  expect(second.description).toContain(dataDirectory);
});

it('one that runs already is used, and left running', async () => {
  const { endpoint } = inject('dynamodb');
  vi.stubEnv('HOLDFAST_DYNAMODB_ENDPOINT', endpoint);
  onTestFinished(() => void vi.unstubAllEnvs());

  const given = await startDynamoDbLocal({ report: () => {} });
  expect(given.endpoint).toBe(endpoint);
  await given.stop();

  await clientOf(endpoint).send(new ListTablesCommand({}));
});

it.each(['https://dynamodb.eu-west-1.amazonaws.com', 'localhost:8000', 'nowhere'])(
  'one at "%s" is refused before it is asked anything',
  async (endpoint) => {
    vi.stubEnv('HOLDFAST_DYNAMODB_ENDPOINT', endpoint);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(startDynamoDbLocal({ report: () => {} })).rejects.toThrow(
      `HOLDFAST_DYNAMODB_ENDPOINT is "${endpoint}"`,
    );
  },
);
