import { expect, it } from 'vitest';
import { toStreamRecord } from '../../../../local-cloud/streams/stream-record.ts';

const minute = Date.parse('2026-11-21T10:00:00Z');
const context = { streamArn: 'arn:stream', readAt: minute + 5_000 };

const written = {
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

it('the item is as it came, with its types written out', () => {
  const image = { b: { B: 'AQID' }, deep: { M: { list: { L: [{ S: 'text' }, { NULL: true }] } } } };
  const changed = { ...written.dynamodb, NewImage: image, OldImage: { gone: { S: 'a' } } };

  expect(toStreamRecord({ ...written, dynamodb: changed }, context).event).toMatchObject({
    dynamodb: { NewImage: image, OldImage: { gone: { S: 'a' } } },
  });
});

it('what DynamoDB deleted by itself says so', () => {
  const userIdentity = { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' };

  expect(toStreamRecord({ ...written, userIdentity }, context).event).toMatchObject({
    userIdentity: { principalId: 'dynamodb.amazonaws.com', type: 'Service' },
  });
});

it('was written within the minute that DynamoDB Local names, and not after it was read', () => {
  expect(toStreamRecord(written, context).writtenAt).toBe(minute + 5_000);
  expect(toStreamRecord(written, { ...context, readAt: minute + 600_000 }).writtenAt).toBe(
    minute + 59_999,
  );
});

it('without a sequence number is refused', () => {
  expect(() => toStreamRecord({ dynamodb: {} }, context)).toThrow('sequence number');
});
