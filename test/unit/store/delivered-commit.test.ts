import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { readCommitRecord } from '../../../functions/store/stream/delivered-commit.ts';
import { createMemoryLedger, streamRecord } from '../projections/memory-ledger.ts';

const opened = () => {
  const committed = createMemoryLedger().commit({
    type: 'open',
    accountId: 'a',
    owner: 'alice',
    currency: 'EUR',
    overdraftLimit: 0,
  });
  if (!committed) throw new Error('the account is not opened');
  return committed;
};

it('an insertion brings its commit, with where it stands in the stream', () => {
  const { item, commit } = opened();
  const record = streamRecord(item);
  expect(readCommitRecord(record)).toEqual({
    sequenceNumber: record.dynamodb?.SequenceNumber,
    streamId: 'a',
    version: 1,
    commit,
  });
});

describe('what is no commit is a problem that says where it stands', () => {
  it.each(['MODIFY', 'REMOVE'] as const)('a %s: commits never change', (eventName) => {
    const read = readCommitRecord(streamRecord(opened().item, eventName));
    expect(read).toMatchObject({
      streamId: 'a',
      version: 1,
      problem: { message: 'a/1 is no commit' },
    });
    expect(read).toHaveProperty(
      'problem.cause.message',
      `commits never change, but the stream holds a ${eventName}`,
    );
  });

  it.each([
    ['an event nobody knows', { events: [{ type: 'MoneyBurnt', v: 1, data: {} }] }],
    ['a field that is missing', { hash: undefined }],
    ['a type of attribute that its events do not have', { events: new Set(['x']) }],
  ])('%s', (_, wrong) => {
    expect(readCommitRecord(streamRecord({ ...opened().item, ...wrong }))).toMatchObject({
      streamId: 'a',
      version: 1,
      problem: expect.any(Error),
    });
  });

  it('a record that is not even one of the table', () => {
    const empty: DynamoDBRecord = {};
    expect(readCommitRecord(empty)).toMatchObject({
      sequenceNumber: '',
      streamId: '',
      version: 0,
      problem: expect.any(Error),
    });
  });
});
