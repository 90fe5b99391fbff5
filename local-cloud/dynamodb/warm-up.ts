import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';

/**
 * Takes a fresh engine through each kind of request, one at a time. DynamoDB Local once answered
 * the very first requests, which came together, with an error that had nothing to do with them; and
 * its first thousands are slow. The warm-up uses a database of its own (its access key id) and
 * leaves no table behind.
 */
export const warmUp = async (endpoint: string): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'warmup', secretAccessKey: 'local' },
  });
  const TableName = `warm-up-${process.pid}-${Date.now()}`;
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    const until = performance.now() + BUDGET_MS;
    for (let round = 0; round < ROUNDS && performance.now() < until; round += 1)
      await oneOfEach(client, TableName, round);
    await client.send(new DeleteTableCommand({ TableName }));
  } finally {
    client.destroy();
  }
};

/** Enough to be past the first interpreted runs; with more, the user would feel the wait. */
const ROUNDS = 100;

/** In milliseconds; a slow machine stops here. */
const BUDGET_MS = 1_000;

const oneOfEach = async (
  client: DynamoDBClient,
  TableName: string,
  round: number,
): Promise<void> => {
  const item = (name: string) => ({ key: { S: `${name}-${round}` } });
  await client.send(
    new PutItemCommand({
      TableName,
      Item: item('put'),
      ConditionExpression: 'attribute_not_exists(#k)',
      ...keyName,
    }),
  );
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName, Item: item('a') } },
        { Put: { TableName, Item: item('b') } },
      ],
    }),
  );
  await client.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: '#k = :key',
      ExpressionAttributeValues: { ':key': { S: `put-${round}` } },
      ConsistentRead: true,
      ...keyName,
    }),
  );
};

const keyName = { ExpressionAttributeNames: { '#k': 'key' } };
