import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCloud, type TestCloud } from '../../setup/cloud.ts';

let cloud: TestCloud;
let operator: DynamoDBClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  operator = new DynamoDBClient(cloud.dynamodb);
  await cloud.api.account('kept', 100);
  const key = { 'Idempotency-Key': 'kept' };
  expect(await cloud.api.post('/accounts/kept/deposits', { amount: 1 }, key)).toMatchObject({
    status: 201,
  });
});

afterAll(async () => {
  operator.destroy();
  await cloud.stop();
});

const tables = ['holdfast-dev-events', 'holdfast-dev-commands'];

const itemsOf = async (TableName: string) =>
  (await operator.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? [];

/** Every way to change what stands in a table, or to delete it. */
const changesTo = async (TableName: string) => {
  const [Item] = await itemsOf(TableName);
  if (!Item) throw new Error(`${TableName} is empty`);
  const isCommands = TableName.endsWith('commands');
  const names = isCommands ? ['key'] : ['streamId', 'version'];
  const Key = Object.fromEntries(names.flatMap((name) => (Item[name] ? [[name, Item[name]]] : [])));
  const where = names.map((name) => `"${name}" = ?`).join(' AND ');
  const Parameters = Object.values(Key);
  const set = {
    UpdateExpression: 'SET tampered = :yes',
    ExpressionAttributeValues: { ':yes': { BOOL: true } },
  };
  return {
    update: (client: DynamoDBClient) =>
      client.send(new UpdateItemCommand({ TableName, Key, ...set })),
    delete: (client: DynamoDBClient) => client.send(new DeleteItemCommand({ TableName, Key })),
    'put over': (client: DynamoDBClient) =>
      client.send(new PutItemCommand({ TableName, Item: { ...Item, tampered: { BOOL: true } } })),
    'batch put': (client: DynamoDBClient) =>
      client.send(
        new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } }),
      ),
    'batch delete': (client: DynamoDBClient) =>
      client.send(
        new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } }),
      ),
    'update in a transaction': (client: DynamoDBClient) =>
      client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ Update: { TableName, Key, ...set } }] }),
      ),
    'delete in a transaction': (client: DynamoDBClient) =>
      client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName, Key } }] }),
      ),
    'put over in a transaction': (client: DynamoDBClient) =>
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item } }] })),
    'update by a statement': (client: DynamoDBClient) =>
      client.send(
        new ExecuteStatementCommand({
          Statement: `UPDATE "${TableName}" SET tampered = true WHERE ${where}`,
          Parameters,
        }),
      ),
    'delete by a statement': (client: DynamoDBClient) =>
      client.send(
        new ExecuteStatementCommand({
          Statement: `DELETE FROM "${TableName}" WHERE ${where}`,
          Parameters,
        }),
      ),
  };
};

/** A client that goes where the functions go. */
const clientOf = (accessKeyId: string) =>
  new DynamoDBClient({
    endpoint: cloud.services.url,
    region: cloud.template.region,
    credentials: { accessKeyId, secretAccessKey: 'local' },
    maxAttempts: 1,
  });

const errorsOf = async (client: DynamoDBClient, TableName: string) => {
  const errors: Record<string, string> = {};
  for (const [name, change] of Object.entries(await changesTo(TableName))) {
    errors[name] = await change(client).then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
  }
  return errors;
};

describe.each(tables)('%s', (TableName) => {
  it('is changed by no function, whatever way it tries', async () => {
    const before = await itemsOf(TableName);
    for (const { name } of cloud.template.functions) {
      const client = clientOf(cloud.services.accessKeyIdOf(name));
      const errors = await errorsOf(client, TableName);
      client.destroy();
      const appends = cloud.access.refusal({
        principal: { kind: 'role', arn: roleArnOf(name), session: name },
        action: 'dynamodb:PutItem',
        resource: `arn:aws:dynamodb:${cloud.template.region}:${cloud.template.accountId}:table/${TableName}`,
      });
      const overwriting = appends === undefined ? 'UnconditionalPut' : 'AccessDeniedException';
      for (const [way, error] of Object.entries(errors))
        expect([name, way, error]).toEqual([
          name,
          way,
          way.startsWith('put over') ? overwriting : 'AccessDeniedException',
        ]);
    }
    expect(await itemsOf(TableName)).toEqual(before);
  });

  it.each([
    ['without credentials of a function', 'AKIASOMEBODY'],
    ['with those of a function as they were guessed once', 'LOCALholdfastdevdeposit'],
  ])('is changed by nobody %s', async (_, accessKeyId) => {
    const before = await itemsOf(TableName);
    const client = clientOf(accessKeyId);
    const errors = await errorsOf(client, TableName);
    client.destroy();
    expect(new Set(Object.values(errors))).toEqual(new Set(['UnrecognizedClientException']));
    expect(await itemsOf(TableName)).toEqual(before);
  });
});

const roleArnOf = (functionName: string): string =>
  cloud.template.functions.find(({ name }) => name === functionName)?.roleArn ?? '';
