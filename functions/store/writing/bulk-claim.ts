import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Timestamp } from '../../../events/values.ts';
import { answered } from '../../runtime/answered.ts';
import { failureOf } from '../../runtime/failure.ts';
import { type Patience, untilAnswered } from '../../runtime/patience.ts';
import { type CommandRecord, RECORD_SCHEMA, readRecord } from './command-record.ts';
import type { RecordKey } from './record-key.ts';

/** Where claims are written. */
interface ClaimsTable extends Patience {
  readonly client: DynamoDBDocumentClient;
  readonly commandsTable: string;
  readonly newId: () => string;
}

/** Whose a key is: nobody's until now, this very request's, or another's. */
export type Claimed = 'new' | 'same' | 'other' | 'unreadable';

/**
 * Claims a key for a request of many commands, each of which has its own record: the key is theirs
 * from then on, for ever, and no single command's.
 * @param key the record key that the client's `Idempotency-Key` stands for.
 * @param fingerprint tells whether two requests are the same.
 * @param deadline in milliseconds since 1970.
 * @returns `same` where this very request has claimed it before, `other` where another request has,
 *   of one command or of many; `unreadable` where nothing may be concluded from what stands there.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time: the same claim may be made again.
 */
export const claimKey = (
  { client, commandsTable, newId, ...patience }: ClaimsTable,
  key: RecordKey,
  fingerprint: string,
  deadline: number,
): Promise<Claimed> => {
  const at = Timestamp.parse(new Date(patience.clock()).toISOString());
  const claim: CommandRecord = {
    ...{ key, schema: RECORD_SCHEMA, fingerprint, writeId: newId(), at },
    outcome: 'claimed',
  };
  const put = new PutCommand({
    TableName: commandsTable,
    Item: claim,
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
      return claimedBy(readRecord(unmarshall(found)), fingerprint);
    }
  });
};

/** Whose a key is, by what stands under it. */
export const claimedBy = (
  found: ReturnType<typeof readRecord>,
  fingerprint: string,
): 'same' | 'other' | 'unreadable' => {
  if (found.outcome === 'unreadable') return 'unreadable';
  return found.outcome === 'claimed' && found.fingerprint === fingerprint ? 'same' : 'other';
};
