import { expect, it } from 'vitest';
import { toStreamRecord } from '../../../../infra/local/event-source/stream-record.ts';

const minute = Date.parse('2026-11-21T10:00:00Z');
const context = { streamArn: 'arn:stream', partitionKey: 'streamId', readAt: minute + 5_000 };

const written = {
  eventID: 'e-1',
  eventName: 'INSERT' as const,
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  awsRegion: 'ddblocal',
  dynamodb: {
    ApproximateCreationDateTime: new Date(minute),
    Keys: { streamId: { S: 'a' }, version: { N: '7' } },
    SequenceNumber: '000000000000000000042',
    SizeBytes: 26,
    StreamViewType: 'NEW_IMAGE' as const,
  },
};

it('a record has the form that Lambda gives it: times in seconds, and nothing where there is nothing', () => {
  expect(toStreamRecord(written, context).event).toEqual({
    eventID: 'e-1',
    eventName: 'INSERT',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'ddblocal',
    dynamodb: {
      ApproximateCreationDateTime: minute / 1_000,
      Keys: { streamId: { S: 'a' }, version: { N: '7' } },
      SequenceNumber: '000000000000000000042',
      SizeBytes: 26,
      StreamViewType: 'NEW_IMAGE',
    },
    eventSourceARN: 'arn:stream',
  });
});

it('binary values are base64, at any depth', () => {
  const image = {
    b: { B: new Uint8Array([1, 2, 3]) },
    bs: { BS: [new Uint8Array([255])] },
    deep: { M: { list: { L: [{ B: new Uint8Array([0]) }, { S: 'text' }, { NULL: true }] } } },
  };

  expect(
    toStreamRecord({ ...written, dynamodb: { ...written.dynamodb, NewImage: image } }, context).event,
  ).toMatchObject({
    dynamodb: {
      NewImage: {
        b: { B: 'AQID' },
        bs: { BS: ['/w=='] },
        deep: { M: { list: { L: [{ B: 'AA==' }, { S: 'text' }, { NULL: true }] } } },
      },
    },
  });
});

it('what DynamoDB deleted by itself says so', () => {
  const userIdentity = { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' };

  expect(toStreamRecord({ ...written, userIdentity }, context).event).toMatchObject({
    userIdentity: { principalId: 'dynamodb.amazonaws.com', type: 'Service' },
  });
});

it('its partition is that of the partition key alone', () => {
  const other = { ...written, dynamodb: { ...written.dynamodb, Keys: { streamId: { S: 'a' }, version: { N: '8' } } } };
  const elsewhere = {
    ...written,
    dynamodb: { ...written.dynamodb, Keys: { streamId: { S: 'b' }, version: { N: '7' } } },
  };

  const [one, two, three] = [written, other, elsewhere].map((record) => toStreamRecord(record, context).partition);
  expect(two).toBe(one);
  expect(three).not.toBe(one);
});

it('was written within the minute that DynamoDB Local names, and not after it was read', () => {
  expect(toStreamRecord(written, context).writtenAt).toBe(minute + 5_000);
  expect(toStreamRecord(written, { ...context, readAt: minute + 600_000 }).writtenAt).toBe(minute + 59_999);
});

it('without a sequence number is refused', () => {
  expect(() => toStreamRecord({ ...written, dynamodb: {} }, context)).toThrow('sequence number');
});
