import { describe, expect, it, vi } from 'vitest';
import type { EndOfHold } from '../../../functions/http/answer/end-of-hold.ts';
import { createHandler } from '../../../functions/queries/get-command.ts';
import type { Store } from '../../../functions/store/store.ts';
import { CommandRecord } from '../../../functions/store/writing/command-record.ts';
import { send } from '../http/request.ts';
import { silentHttp as http } from '../runtime/recorded-telemetry.ts';

const at = '2026-11-21T10:00:03.000Z';
const common = {
  key: 'command:c1',
  accountId: 'a1',
  schema: 1,
  fingerprint: 'f',
  writeId: 'w1',
  at,
};
const shown = { accountId: 'a1', commandId: 'c1', at };
const entry = {
  entryId: 'a1-2',
  accountId: 'a1',
  kind: 'deposit',
  amount: 1,
  balanceAfter: 1,
  version: 2,
  at,
};
const rejection = { code: 'insufficient_funds', detail: '0 available, 1 asked for.', available: 0 };

const accepted = CommandRecord.parse({ ...common, outcome: 'accepted', version: 2, answer: entry });
const rejected = CommandRecord.parse({ ...common, outcome: 'rejected', rejection });
const givenUp = CommandRecord.parse({ ...common, outcome: 'given_up', pendingId: 'w0' });
const pending = CommandRecord.parse({
  ...common,
  outcome: 'pending',
  commandSchema: 1,
  keys: ['command:c1'],
  command: { type: 'deposit', accountId: 'a1', amount: 1 },
  actor: 'local',
  correlationId: 'c1',
});

/**
 * A handler over the records that are found one after the other, the last one for ever; `age` of
 * the command in milliseconds.
 */
const createGet = (
  records: readonly Awaited<ReturnType<Store['recordOf']>>[],
  { age = 1_000, end }: { age?: number; end?: Awaited<ReturnType<EndOfHold>> } = {},
) => {
  const left = [...records];
  const store = {
    isOwnedBy: vi.fn<Store['isOwnedBy']>(),
    commitAt: vi.fn<Store['commitAt']>(),
    recordOf: vi.fn<Store['recordOf']>(async () => (left.length > 1 ? left.shift() : left[0])),
    help: vi.fn<Store['help']>(async () => false),
  };
  const endOfHold = vi.fn<EndOfHold>(async () => end);
  const handler = createHandler({
    store,
    endOfHold,
    clock: () => Date.parse(at) + age,
    ...http,
  });
  const get = (commandId = 'c1') => send(handler, { path: { accountId: 'a1', commandId } });
  return { store, endOfHold, get };
};
const notFound = { status: 404, body: { code: 'command_not_found' } };

describe('what became of a command', () => {
  it.each([
    [accepted, { status: 'accepted', version: 2, answer: entry }, undefined],
    [rejected, { status: 'rejected', rejection }, undefined],
    [pending, { status: 'pending' }, '1'],
    [givenUp, { status: 'given_up' }, undefined],
  ])('is told from its record: %j', async (record, body, retryAfter) => {
    const { get, store } = createGet([record]);
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...shown, ...body });
    expect(answer.headers['Retry-After']).toBe(retryAfter);
    expect(store.recordOf).toHaveBeenCalledExactlyOnceWith('command:c1');
    expect(store.help).not.toHaveBeenCalled();
  });

  it.each([
    [5_000, 0],
    [5_001, 1],
  ])(
    'is decided by who asks, where it has been pending for more than five seconds: %i ms',
    async (age, times) => {
      const { get, store } = createGet([pending, accepted], { age });
      const { body } = await get();
      expect(store.help.mock.calls).toEqual(Array(times).fill([pending]));
      expect(body).toMatchObject(
        times === 1 ? { status: 'accepted', answer: entry } : { status: 'pending' },
      );
    },
  );

  it('is told as given up where whoever asks finds that it cannot be decided', async () => {
    const { get } = createGet([pending, givenUp], { age: 60_000 });
    const { status, body, headers } = await get();
    expect([status, body['status'], headers['Retry-After']]).toEqual([200, 'given_up', undefined]);
  });

  it.each([accepted, rejected, pending, givenUp])(
    'is none of another account’s: %j',
    async (record) => {
      const { get, store } = createGet([CommandRecord.parse({ ...record, accountId: 'a2' })], {
        age: 60_000,
      });
      expect(await get()).toMatchObject(notFound);
      expect(store.help).not.toHaveBeenCalled();
    },
  );

  it('is not there where nothing is recorded', async () => {
    expect(await createGet([undefined]).get()).toMatchObject(notFound);
  });

  it('is asked again later where its record is written in a form that is not known here', async () => {
    const { get, store } = createGet([{ outcome: 'unreadable', key: 'command:c1' }], {
      age: 60_000,
    });
    expect(await get()).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
      body: { code: 'try_again' },
    });
    expect(store.help).not.toHaveBeenCalled();
  });

  it('is told as it was recorded, whatever answers look like by now', async () => {
    const old = CommandRecord.parse({
      ...accepted,
      answer: { entryId: 'a1-2', kind: 'deposit', purpose: 'SALA' },
    });
    const { body } = await createGet([old]).get();
    expect(body['answer']).toEqual({ entryId: 'a1-2', kind: 'deposit', purpose: 'SALA' });
  });

  it('is not told of the workflow’s own commands', async () => {
    const { get, store } = createGet([accepted]);
    expect(await get('credit:t1')).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'commandId' }] },
    });
    expect(store.recordOf).not.toHaveBeenCalled();
  });
});

describe('what a capture or a void hears that came too late', () => {
  const rejectedFor = (rejected: object) =>
    CommandRecord.parse({ ...common, outcome: 'rejected', rejection: rejected });
  const tooLate = { code: 'hold_ended', detail: 'It is held no more.' };
  const ofTransfer = rejectedFor({ ...tooLate, transferId: 't1' });

  it.each([
    ['captured', 'hold_captured'],
    ['voided', 'hold_voided'],
    ['expired', 'hold_expired'],
    ['never_held', 'not_held'],
  ] as const)('is how the hold ended: %s', async (end, code) => {
    const { get, endOfHold } = createGet([ofTransfer], { end });
    const { body } = await get();
    expect(body).toMatchObject({ status: 'rejected', rejection: { code } });
    expect(body['rejection']).not.toHaveProperty('transferId');
    expect(endOfHold).toHaveBeenCalledWith('t1', 'a1');
  });

  it('is asked for again where that is not known', async () => {
    const { get } = createGet([ofTransfer]);
    expect(await get()).toMatchObject({ status: 503, body: { code: 'try_again' } });
  });

  it('of one that was recorded without the transfer is that nothing is held', async () => {
    const { get } = createGet([rejectedFor(tooLate)]);
    expect((await get()).body).toMatchObject({ rejection: { code: 'not_held' } });
  });
});

describe('is told of no command that', () => {
  const posting = { postingId: 'p1', legs: [], currency: 'EUR', at };
  it.each([
    ['claimed a key for many', { outcome: 'claimed' }],
    ['posted', { outcome: 'accepted', version: 2, answer: posting }],
    ['was refused for one leg', { outcome: 'rejected', rejection: { ...rejection, leg: 1 } }],
    [
      'was refused for what its legs add up to',
      { outcome: 'rejected', rejection: { code: 'unbalanced_legs', detail: 'They add up to 1.' } },
    ],
  ])('%s', async (_, record) => {
    const { get } = createGet([CommandRecord.parse({ ...common, ...record })]);
    expect(await get()).toMatchObject(notFound);
  });
});
