import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { accountsThatReserved } from '../../../functions/transfers/reservations.ts';

it('goes through every page of the events table, and names an account once', async () => {
  const pages = [['a', 'b', 'a'], [], ['b', 'c']];
  const asked: unknown[] = [];
  const client = new DynamoDBClient({ region: 'us-east-1' });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        const page = pages[asked.length] ?? [];
        asked.push('ExclusiveStartKey' in input ? input.ExclusiveStartKey : undefined);
        const more = asked.length < pages.length;
        const Items = page.map((streamId) => ({ streamId }));
        const cursor = { LastEvaluatedKey: { streamId: `after page ${asked.length}` } };
        return { response: {}, output: { $metadata: {}, Items, ...(more ? cursor : {}) } };
      },
    { step: 'initialize' },
  );
  const found: string[] = [];
  const accounts = accountsThatReserved(DynamoDBDocumentClient.from(client), 'events');
  for await (const accountId of accounts) found.push(accountId);
  expect(found).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual([undefined, { streamId: 'after page 1' }, { streamId: 'after page 2' }]);
});
