import { expect, it } from 'vitest';
import { holdOneOutcome } from '../../../bench/audit/commands.ts';
import { readRecord } from '../../../functions/store/writing/command-record.ts';

const record = (key: string, version: number, outcome = 'accepted') => {
  const read = readRecord({
    key: `command:${key}`,
    accountId: 'a',
    schema: 1,
    fingerprint: 'f',
    writeId: 'w',
    at: '2026-11-26T00:00:00.000Z',
    outcome,
    ...(outcome === 'accepted' ? { version, answer: { version } } : { rejection: REJECTION }),
  });
  if (read.outcome === 'unreadable' || read.outcome === 'claimed')
    throw new Error('the record of this test is that of a command');
  return read;
};

const REJECTION = { code: 'insufficient_funds', detail: 'There is not enough.' };

const streamWith = (commits: Record<string, number[]>) => ({
  streamId: 'a',
  commitsOf: new Map(Object.entries(commits)),
});

it('holds for a command with two keys, whose events are under the first', () => {
  const records = [record('first', 2), record('second', 2)];
  expect(() => holdOneOutcome(records, [streamWith({ first: [2] })])).not.toThrow();
});

it('fails where the second key says something else than the first', () => {
  const records = [record('first', 2), record('second', 3)];
  expect(() => holdOneOutcome(records, [streamWith({ first: [2] })])).toThrow('command:second');
});

it('fails where an accepted command has no events, and where a rejected one has', () => {
  expect(() => holdOneOutcome([record('first', 2)], [streamWith({})])).toThrow('0 commits');
  const rejected = record('first', 2, 'rejected');
  expect(() => holdOneOutcome([rejected], [streamWith({ first: [2] })])).toThrow('1 commits');
});
