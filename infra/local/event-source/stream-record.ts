import type { _Record, AttributeValue } from '@aws-sdk/client-dynamodb-streams';

/** A record of a DynamoDB stream, as a function gets it and with what the mapping has to know of it. */
export interface StreamRecord {
  /** The element of `Records` in the function's event: plain JSON. */
  readonly event: RecordEvent;
  readonly sequenceNumber: string;
  /** The partition key's value: the records of one item collection are delivered in order. */
  readonly partition: string;
  /** When the item was written, at the latest, in milliseconds since 1970. */
  readonly writtenAt: number;
  /** Size of `event` as JSON, in bytes. */
  readonly bytes: number;
}

/** A record in Lambda's form. */
export interface RecordEvent {
  readonly eventID: string | undefined;
  readonly eventName: string | undefined;
  readonly eventVersion: string | undefined;
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string | undefined;
  readonly dynamodb: {
    /** In seconds since 1970. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys?: JsonItem | undefined;
    readonly NewImage?: JsonItem | undefined;
    readonly OldImage?: JsonItem | undefined;
    readonly SequenceNumber: string;
    readonly SizeBytes: number | undefined;
    readonly StreamViewType: string | undefined;
  };
  /** Only on what DynamoDB itself deleted, by time to live. */
  readonly userIdentity?: { readonly principalId: string | undefined; readonly type: string | undefined };
  readonly eventSourceARN: string;
}

/** An item with its types written out, such as `{"id":{"S":"a"}}`; binary as base64. */
type JsonItem = Readonly<Record<string, unknown>>;

/**
 * Puts a record of `GetRecords` into Lambda's form.
 * @param context.partitionKey name of the table's partition key.
 * @param context.readAt when it was read, in milliseconds since 1970.
 * @throws Error for a record without a sequence number: it could never be acknowledged.
 */
export const toStreamRecord = (
  record: _Record,
  context: { readonly streamArn: string; readonly partitionKey: string; readonly readAt: number },
): StreamRecord => {
  const { dynamodb: change = {}, userIdentity } = record;
  if (change.SequenceNumber === undefined) throw new Error('A stream record has no sequence number');
  const creation = change.ApproximateCreationDateTime?.getTime() ?? context.readAt;
  const keys = change.Keys && toJsonItem(change.Keys);
  const event: RecordEvent = {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: record.awsRegion,
    dynamodb: {
      ApproximateCreationDateTime: creation / 1_000,
      ...(keys && { Keys: keys }),
      ...(change.NewImage && { NewImage: toJsonItem(change.NewImage) }),
      ...(change.OldImage && { OldImage: toJsonItem(change.OldImage) }),
      SequenceNumber: change.SequenceNumber,
      SizeBytes: change.SizeBytes,
      StreamViewType: change.StreamViewType,
    },
    ...(userIdentity && { userIdentity: { principalId: userIdentity.PrincipalId, type: userIdentity.Type } }),
    eventSourceARN: context.streamArn,
  };
  return {
    event,
    sequenceNumber: change.SequenceNumber,
    partition: JSON.stringify(keys?.[context.partitionKey]) ?? '',
    writtenAt: Math.min(context.readAt, creation + coarsenessMs),
    bytes: Buffer.byteLength(JSON.stringify(event)),
  };
};

/** DynamoDB Local cuts the time of a record to the minute: it may be that much younger than it says. */
const coarsenessMs = 59_999;

const toJsonItem = (item: Record<string, AttributeValue>): JsonItem =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, toJsonValue(value)]));

const toJsonValue = (value: AttributeValue): unknown => {
  if (value.B !== undefined) return { B: toBase64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(toBase64) };
  if (value.L !== undefined) return { L: value.L.map(toJsonValue) };
  if (value.M !== undefined) return { M: toJsonItem(value.M) };
  return value;
};

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
