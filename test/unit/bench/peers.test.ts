import { describe, expect, it } from 'vitest';
import { holdPeerEvents, type PeerEvents } from '../../../bench/audit/peers.ts';
import { OPENING_BALANCE } from '../../../bench/load/workload.ts';

const opened = (accountId: string) =>
  ({ accountId, version: 1, type: 'Opened', amount: OPENING_BALANCE }) as const;
const withdrawn = {
  accountId: 'a',
  version: 2,
  type: 'Withdrawn',
  amount: 5,
  transferId: 't',
} as const;
const deposited = {
  accountId: 'b',
  version: 2,
  type: 'Deposited',
  amount: 5,
  transferId: 't',
} as const;

const audit = (events: PeerEvents, heard: Record<string, string>) =>
  holdPeerEvents([opened('a'), opened('b'), ...events], ['a', 'b'], new Map(Object.entries(heard)));

describe('the audit of other event stores', () => {
  it('holds for a transfer that settled, in any order of reading', () => {
    expect(audit([deposited, withdrawn], { t: 'settled' })).toEqual({
      streams: 2,
      events: 4,
      commands: 0,
    });
  });

  it.each([
    ['a transfer that was given up, and one that never began', [], { t: 'lost', u: 'unfinished' }],
    ['one that the time was too short for', [withdrawn], { t: 'unfinished' }],
    ['one whose end is not known', [withdrawn, deposited], { t: 'unknown' }],
  ])('holds for %s', (_, events, heard) => {
    expect(() => audit(events, heard)).not.toThrow();
  });

  it.each([
    ['a settled transfer without its deposit', [withdrawn], { t: 'settled' }],
    ['one that was given up and has its withdrawal', [withdrawn], { t: 'lost' }],
    ['a deposit without its withdrawal', [deposited], { t: 'unfinished' }],
    [
      'a withdrawal that was made twice',
      [withdrawn, { ...withdrawn, version: 3 }, deposited],
      { t: 'settled' },
    ],
    ['one that nobody asked for', [withdrawn, deposited], {}],
    ['money that was made', [withdrawn, { ...deposited, amount: 6 }], { t: 'settled' }],
    ['a version that is missing', [{ ...withdrawn, version: 3 }, deposited], { t: 'settled' }],
    ['a version that is there twice', [{ ...withdrawn, version: 1 }, deposited], { t: 'settled' }],
    [
      'more spent than there was',
      [
        { ...withdrawn, amount: OPENING_BALANCE + 1 },
        { ...deposited, amount: OPENING_BALANCE + 1 },
      ],
      { t: 'settled' },
    ],
  ])('fails on %s', (_, events, heard) => {
    expect(() => audit(events, heard)).toThrow();
  });

  it('fails where an account has no stream', () => {
    expect(() => holdPeerEvents([opened('a')], ['a', 'b'], new Map())).toThrow('1 streams');
  });
});
