import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { answered } from '../../runtime/answered.ts';
import { failureOf } from '../../runtime/failure.ts';
import { type Patience, untilAnswered } from '../../runtime/patience.ts';

/** Where claims are written. */
interface ClaimsTable extends Patience {
  readonly client: DynamoDBDocumentClient;
  readonly commandsTable: string;
}

/**
 * Claims a key for a request of many commands, each of which has its own record: the key is theirs
 * from then on, for ever.
 * @param key the id that the client's `Idempotency-Key` stands for.
 * @param fingerprint tells whether two requests are the same.
 * @param deadline in milliseconds since 1970.
 * @returns `same` where this very request has claimed it before, `other` where another one has.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time: the same claim may be made again.
 */
export const claimKey = (
  { client, commandsTable, ...patience }: ClaimsTable,
  key: string,
  fingerprint: string,
  deadline: number,
): Promise<'new' | 'same' | 'other'> => {
  const item = { key: `bulk:${key}`, schema: 1, fingerprint };
  const put = new PutCommand({
    TableName: commandsTable,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': 'key' },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ReturnConsumedCapacity: 'TOTAL',
  });
  return untilAnswered(patience, deadline, async () => {
    try {
      answered(await client.send(put));
      return 'new';
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind !== 'condition') throw error;
      const [found] = failure.items;
      if (found === undefined || found === 'not_known') throw error;
      return unmarshall(found)['fingerprint'] === fingerprint ? 'same' : 'other';
    }
  });
};
