import type { JsonItem, WireRecord } from './streams-api.ts';

/** A record of a DynamoDB stream, as a function gets it, with the facts that the mapping needs. */
export interface StreamRecord {
  /** The element of `Records` in the function's event: plain JSON. */
  readonly event: RecordEvent;
  readonly sequenceNumber: string;
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
  /** Only on items that DynamoDB itself deleted, by time to live. */
  readonly userIdentity?: {
    readonly principalId: string | undefined;
    readonly type: string | undefined;
  };
  readonly eventSourceARN: string;
}

/**
 * Puts a record of `GetRecords` into Lambda's form.
 * @param context.readAt when it was read, in milliseconds since 1970.
 * @throws Error for a record without a sequence number: it could never be acknowledged.
 */
export const toStreamRecord = (
  record: WireRecord,
  context: { readonly streamArn: string; readonly readAt: number },
): StreamRecord => {
  const { dynamodb: change, userIdentity } = record;
  if (change.SequenceNumber === undefined)
    throw new Error('A stream record has no sequence number');
  const creation = change.ApproximateCreationDateTime ?? context.readAt / 1_000;
  const event: RecordEvent = {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: record.awsRegion,
    dynamodb: {
      ApproximateCreationDateTime: creation,
      ...(change.Keys && { Keys: change.Keys }),
      ...(change.NewImage && { NewImage: change.NewImage }),
      ...(change.OldImage && { OldImage: change.OldImage }),
      SequenceNumber: change.SequenceNumber,
      SizeBytes: change.SizeBytes,
      StreamViewType: change.StreamViewType,
    },
    ...(userIdentity && {
      userIdentity: { principalId: userIdentity.PrincipalId, type: userIdentity.Type },
    }),
    eventSourceARN: context.streamArn,
  };
  return {
    event,
    sequenceNumber: change.SequenceNumber,
    writtenAt: Math.min(context.readAt, 1_000 * creation + COARSENESS_MS),
    bytes: Buffer.byteLength(JSON.stringify(event)),
  };
};

/** DynamoDB Local cuts the time of a record to the minute: the record may be this much younger. */
const COARSENESS_MS = 59_999;
