import type { DynamoDbConnection } from '../dynamodb/connection.ts';

/**
 * The API of DynamoDB Streams, as far as it is used here. It does not use the SDK, which turns
 * every record from JSON into objects of its own: for a function they would have to be turned back,
 * and that took a third of this process's time.
 */
export interface StreamsApi {
  describeStream(request: {
    readonly StreamArn: string;
    readonly ExclusiveStartShardId?: string | undefined;
  }): Promise<{ readonly StreamDescription: StreamPage }>;
  getShardIterator(request: {
    readonly StreamArn: string;
    readonly ShardId: string;
    readonly ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' | 'TRIM_HORIZON';
    readonly SequenceNumber?: string;
  }): Promise<{ readonly ShardIterator: string }>;
  getRecords(request: { readonly ShardIterator: string }): Promise<{
    readonly Records: readonly WireRecord[];
    /** Absent at the end of a closed shard. */
    readonly NextShardIterator?: string;
  }>;
}

/** Some of the shards of a stream. */
interface StreamPage {
  readonly KeySchema: readonly {
    readonly AttributeName: string;
    readonly KeyType: 'HASH' | 'RANGE';
  }[];
  readonly Shards: readonly {
    readonly ShardId: string;
    readonly ParentShardId?: string | undefined;
    readonly SequenceNumberRange?: { readonly EndingSequenceNumber?: string | undefined };
  }[];
  /** Absent on the last page. */
  readonly LastEvaluatedShardId?: string | undefined;
}

/** A record as it comes over the wire. */
export interface WireRecord {
  readonly eventID?: string;
  readonly eventName?: string;
  readonly eventVersion?: string;
  readonly awsRegion?: string;
  readonly dynamodb: {
    /** In seconds since 1970. */
    readonly ApproximateCreationDateTime?: number;
    readonly Keys?: JsonItem;
    readonly NewImage?: JsonItem;
    readonly OldImage?: JsonItem;
    readonly SequenceNumber?: string;
    readonly SizeBytes?: number;
    readonly StreamViewType?: string;
  };
  /** Only on items that DynamoDB itself deleted, by time to live. */
  readonly userIdentity?: { readonly PrincipalId?: string; readonly Type?: string };
}

/** An item with its types written out, such as `{"id":{"S":"a"}}`; binary as base64. */
export type JsonItem = Readonly<Record<string, unknown>>;

/**
 * The streams of a database. Its methods throw an Error whose name is the service's, such as
 * `ExpiredIteratorException`.
 */
export const streamsOf = ({ send }: Pick<DynamoDbConnection, 'send'>): StreamsApi => {
  const call = async (operation: string, input: object) => {
    const { status, body } = await send(
      `DynamoDBStreams_20120810.${operation}`,
      Buffer.from(JSON.stringify(input)),
    );
    const answer = JSON.parse(body.toString());
    if (status === 200) return answer;
    throw Object.assign(new Error(answer.message ?? answer.Message), {
      name: String(answer.__type).replace(/^.*#/, ''),
    });
  };
  return {
    describeStream: (request) => call('DescribeStream', request),
    getShardIterator: (request) => call('GetShardIterator', request),
    getRecords: (request) => call('GetRecords', request),
  };
};
