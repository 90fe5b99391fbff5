import { DescribeStreamCommand, type DynamoDBStreamsClient, type Shard } from '@aws-sdk/client-dynamodb-streams';

/** A stream, and its shards in the order in which they were opened. */
export interface StreamDescription {
  /** Name of the table's partition key. */
  readonly partitionKey: string;
  readonly shards: readonly StreamShard[];
}

/** A part of a stream. */
export interface StreamShard {
  readonly id: string;
  /** The shard it continues: that one comes first. */
  readonly parent: string | undefined;
  /** Nothing is written to it any more. */
  readonly closed: boolean;
}

/** Asks for all shards of a stream. */
export const describeStream = async (streams: DynamoDBStreamsClient, streamArn: string): Promise<StreamDescription> => {
  const shards: Shard[] = [];
  let partitionKey: string | undefined;
  let last: string | undefined;
  do {
    const { StreamDescription } = await streams.send(
      new DescribeStreamCommand({ StreamArn: streamArn, ExclusiveStartShardId: last }),
    );
    shards.push(...(StreamDescription?.Shards ?? []));
    partitionKey ??= StreamDescription?.KeySchema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
    last = StreamDescription?.LastEvaluatedShardId;
  } while (last !== undefined);
  if (partitionKey === undefined) throw new Error(`DynamoDB does not say what the keys in ${streamArn} are`);
  return {
    partitionKey,
    shards: shards.flatMap(({ ShardId, ParentShardId, SequenceNumberRange }) =>
      ShardId === undefined
        ? []
        : [{ id: ShardId, parent: ParentShardId, closed: SequenceNumberRange?.EndingSequenceNumber !== undefined }],
    ),
  };
};
