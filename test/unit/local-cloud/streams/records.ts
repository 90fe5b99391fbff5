import type { RecordEvent } from '../../../../local-cloud/streams/stream-record.ts';

const streamArn =
  'arn:aws:dynamodb:ddblocal:000000000000:table/events/stream/2026-11-21T10:00:00.000';

const record = (eventName: string, dynamodb: Partial<RecordEvent['dynamodb']>): RecordEvent => ({
  eventID: 'e',
  eventName,
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  awsRegion: 'ddblocal',
  dynamodb: {
    ApproximateCreationDateTime: 1_795_255_200,
    Keys: { streamId: { S: 'a' }, version: { N: '1' } },
    SequenceNumber: '1',
    SizeBytes: 20,
    StreamViewType: 'NEW_IMAGE',
    ...dynamodb,
  },
  eventSourceARN: streamArn,
});

/** Records of a stream by the names that the cases use. */
export const records: Record<string, RecordEvent> = {
  reserves: record('INSERT', {
    NewImage: {
      kind: { S: 'transfer' },
      reserves: { N: '2' },
      events: {
        L: [{ M: { type: { S: 'MoneyDeposited' } } }, { M: { type: { S: 'MoneyReserved' } } }],
      },
    },
  }),
  deposit: record('INSERT', {
    SizeBytes: 21,
    NewImage: {
      kind: { S: 'deposit' },
      owner: { M: { vip: { BOOL: true } } },
      tags: { SS: ['a', 'b'] },
    },
  }),
  removed: record('REMOVE', { SizeBytes: 10 }),
  odd: record('MODIFY', {
    SizeBytes: 99,
    NewImage: { kind: { S: '' }, events: { L: [] }, note: { NULL: null } },
  }),
};
