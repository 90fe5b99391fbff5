import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../../setup/tables.ts';

it('a test database has the three tables and is seen by nobody else', async () => {
  const [one, another] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const { TableNames } = await new DynamoDBClient(one.config).send(new ListTablesCommand({}));
  expect(TableNames).toEqual(['commands', 'events', 'views']);
  expect(another.config.credentials.accessKeyId).not.toBe(one.config.credentials.accessKeyId);
  expect(one.streams.events).toContain(':table/events/stream/');
});
