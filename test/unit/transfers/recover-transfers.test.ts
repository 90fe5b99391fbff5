import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Timestamp } from '../../../events/values.ts';
import { UnreadableRow } from '../../../functions/views/row.ts';
import { MINUTE, machine, NOW, open, recovery, reserved } from './recovery.ts';
import { transfer } from './transfer.ts';

const scheduled = { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };

describe('every minute, from the views', () => {
  it('starts again what was reserved more than a minute ago, under the name of its attempt', async () => {
    const { recover, start, openTransfers, counts } = recovery({
      inViews: [open('t1', 2), open('t2', 0.5)],
    });
    expect(await recover(scheduled)).toEqual({ found: 1, started: 1, left: 0 });
    expect(openTransfers.mock.calls.map(([time]) => time)).toEqual([
      { before: '2026-11-21T13:04:00.000Z' },
      { after: '2026-11-21T13:06:00.000Z' },
    ]);
    expect(start).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^t1\.r1\.[A-Za-z0-9_-]{7}$/),
      transfer,
    );
    expect(counts).toEqual({ TransfersRecovered: 1 });
  });

  it('counts the age of what was captured from its capture, however long it was held', async () => {
    const held = { requestedAt: Timestamp.parse(reserved(7 * 24 * 60)) };
    const { recover, start, measured } = recovery({ inViews: [{ ...open('t1', 2), ...held }] });
    expect(await recover(scheduled)).toEqual({ found: 1, started: 1, left: 0 });
    expect(start).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^t1\.r1\./), transfer);
    expect(measured['OldestOpenTransferAge']).toEqual([2 * MINUTE]);
  });

  it('a transfer whose attempt was started before is in hand', async () => {
    const workflow = machine();
    const { recover, counts } = recovery({ inViews: [open('t1')], workflow });
    await recover(scheduled);
    workflow.endAll();
    expect(await recover(scheduled)).toEqual({ found: 1, started: 0, left: 0 });
    expect(counts).toEqual({ TransfersRecovered: 1 });
  });

  describe('says how old the oldest open transfer is', () => {
    const oldestOf = async (given: Parameters<typeof recovery>[0]) => {
      const { recover, measured } = recovery(given);
      await recover(scheduled).catch(() => {});
      return measured['OldestOpenTransferAge'];
    };

    it('whether or not it is started again', async () => {
      const workflow = machine();
      const inViews = [open('t1', 2), open('t2', 17), open('t3', 1.5)];
      expect(await oldestOf({ inViews, workflow })).toEqual([17 * MINUTE]);
      expect(await oldestOf({ inViews, workflow })).toEqual([17 * MINUTE]);
    });

    it('none is 0, one of a clock that was ahead has no age', async () => {
      expect(await oldestOf({})).toEqual([0]);
      expect(await oldestOf({ inViews: [open('t1', 0.5)] })).toEqual([0]);
      expect(await oldestOf({ inViews: [open('t1', -90)] })).toEqual([0]);
    });

    it('and nothing where it could not look: that there is none is not known', async () => {
      const views = async function* () {
        yield* [];
        throw new Error('throttled');
      };
      expect(await oldestOf({ views })).toBeUndefined();
    });
  });

  it.each([{}, { from: 'views' }])(
    'asked by %o, finds nothing to do where nothing is open',
    async (event) => {
      expect(await recovery({}).recover(event)).toEqual({ found: 0, started: 0, left: 0 });
    },
  );

  it.each([
    ['started by carry-out-transfers', 1.5, 't1'],
    ['of the attempt before', 2, undefined],
  ])('leaves a transfer alone while the execution %s is running', async (_, age, name) => {
    const workflow = machine();
    if (name) await workflow.start(name);
    else await recovery({ inViews: [open('t1', 1.5)], workflow }).recover(scheduled);
    const { recover, start } = recovery({ inViews: [open('t1', age)], workflow });
    expect(await recover(scheduled)).toEqual({ found: 1, started: 0, left: 0 });
    expect(start).not.toHaveBeenCalled();
    workflow.endAll();
    expect(await recover(scheduled)).toEqual({ found: 1, started: 1, left: 0 });
  });

  it('of two open transfers of one id, one that is stuck keeps none from being started', async () => {
    const { recover, start } = recovery({
      inViews: [open('t1', 3, 'stuck'), open('t1', 3, 'fine')],
    });
    expect(await recover(scheduled)).toMatchObject({ started: 2 });
    expect(start.mock.calls.map(([, { from }]) => from).sort()).toEqual(['fine', 'stuck']);
  });

  it('500 transfers late by ten minutes are not started more than four times each', async () => {
    const workflow = machine();
    let started = 0;
    for (let age = 1; age <= 10; age += 1) {
      const inViews = Array.from({ length: 500 }, (_, n) => open(`t${n}`, age + 0.5));
      started += (await recovery({ inViews, workflow }).recover(scheduled)).started;
      workflow.endAll();
    }
    expect(started).toBe(500 * 4);
  });

  it('starts at most 1,000 by one call, counts the rest, and goes on with it in the next', async () => {
    const workflow = machine();
    const inViews = Array.from({ length: 1_205 }, (_, n) => open(`t${n}`, 5));
    const first = recovery({ inViews, workflow });
    expect(await first.recover(scheduled)).toEqual({ found: 1_205, started: 1_000, left: 205 });
    expect(first.names()).not.toContainEqual(expect.stringMatching(/^t1[12]\d\d\./));
    expect(first.counts).toEqual({ TransfersRecovered: 1_000, TransfersLeftForLater: 205 });
    expect(first.logger.warn).toHaveBeenCalledWith(expect.stringContaining('not all'), {
      found: 1_205,
      started: 1_000,
      left: 205,
    });
    workflow.endAll();
    const second = recovery({ inViews, workflow });
    expect(await second.recover(scheduled)).toEqual({ found: 1_205, started: 205, left: 0 });
  });

  it('counts those that are just being started among the 1,000', async () => {
    const workflow = machine();
    await workflow.start('t0');
    // All that are begun at once are under way together; as one is in hand, 999 are started before
    // the last of them.
    const start = async (name: string) => {
      await setImmediate();
      return workflow.start(name);
    };
    const isRunning = async (name: string) => {
      await setImmediate();
      return workflow.isRunning(name);
    };
    const inViews = Array.from({ length: 1_205 }, (_, n) => open(`t${n}`));
    const { recover } = recovery({ inViews, workflow: { ...workflow, start, isRunning } });
    expect(await recover(scheduled)).toEqual({ found: 1_205, started: 1_000, left: 204 });
  });

  it('says that it was not done only where it was not', async () => {
    const { recover, logger } = recovery({ inViews: [open('t1')] });
    await recover(scheduled);
    expect(logger.warn).not.toHaveBeenCalledWith(
      expect.stringContaining('not all'),
      expect.anything(),
    );
  });

  it('stops beginning things when the time is up', async () => {
    let now = NOW;
    const workflow = machine();
    const inViews = Array.from({ length: 50 }, (_, n) => open(`t${n}`, 5));
    const start = async (name: string) => {
      now += 200;
      return workflow.start(name);
    };
    const { recover } = recovery({ inViews, workflow: { ...workflow, start }, clock: () => now });
    const { started, left } = await recover(scheduled);
    expect(started).toBeGreaterThanOrEqual(5);
    // Those that were under way at the same moment are started too, or left.
    expect(started + left).toBeLessThanOrEqual(5 + 2 * 10);
  });

  it('tries all of them, and fails where some could not be started', async () => {
    const workflow = machine();
    const { recover, start, counts, logger } = recovery({
      inViews: ['t1', 't2', 't3', 't4'].map((id) => open(id)),
      workflow: {
        start: async (name) => {
          if (name.startsWith('t2')) throw new Error('throttled');
          return workflow.start(name);
        },
        isRunning: async (name) => {
          if (name === 't4') throw new Error('throttled');
          return false;
        },
      },
    });
    await expect(recover(scheduled)).rejects.toThrow(
      '2 failures on the way to 4 open transfers; 2 are started again',
    );
    expect(start).toHaveBeenCalledTimes(3);
    expect(counts).toEqual({ TransfersRecovered: 2, TransferRecoveryFailures: 2 });
    expect(logger.error).toHaveBeenCalledWith(
      'an open transfer could not be started again',
      expect.objectContaining({ correlation_id: 'k1', transferId: 't2' }),
    );
  });

  it('a row that cannot be read keeps no other from being started, and the call fails at its end', async () => {
    const { recover, counts, names } = recovery({
      views: async function* (time, passOver) {
        if ('after' in time) return;
        passOver(new UnreadableRow({ pk: 'transfer#bad', sk: 'from#a' }, 'amount'));
        for (const id of ['t1', 't2']) yield open(id);
      },
    });
    await expect(recover(scheduled)).rejects.toThrow(
      '1 failures on the way to 2 open transfers; 2 are started again',
    );
    expect(names()).toHaveLength(2);
    expect(counts).toEqual({ TransfersRecovered: 2, TransferRecoveryFailures: 1 });
  });

  it('views that cannot be searched to their end are searched as far as they go, and for both times', async () => {
    const { recover, counts } = recovery({
      views: async function* (time) {
        yield 'before' in time ? open('t1') : open('t2', -30);
        throw new Error('throttled');
      },
    });
    await expect(recover(scheduled)).rejects.toThrow(
      '2 failures on the way to 2 open transfers; 2 are started again',
    );
    expect(counts).toMatchObject({
      TransfersRecovered: 2,
      TransferRecoveryFailures: 2,
      CommitsAheadOfTime: 1,
    });
  });

  it('a reservation whose time is ahead counts as due, is counted, and is tried every 16 minutes', async () => {
    const workflow = machine();
    const inViews = [open('t1', -180)];
    let started = 0;
    for (let minute = 0; minute < 60; minute += 1) {
      const { recover, counts } = recovery({
        inViews,
        workflow,
        clock: () => NOW + minute * MINUTE,
      });
      started += (await recover(scheduled)).started;
      expect(counts['CommitsAheadOfTime']).toBe(1);
      workflow.endAll();
    }
    expect(started).toBe(4);
  });
});

it.each([
  { from: 'stream' },
  null,
  'streams',
  { from: 'streams', after: 'a' },
  { from: 'streams', after: { streamId: 'a' } },
  { after: { streamId: 'a', version: 1 } },
  { from: 'views', after: { streamId: 'a', version: 1 } },
])('refuses %o', async (event) => {
  const { recover, start } = recovery({ inViews: [open('t1')] });
  await expect(recover(event)).rejects.toThrow('not an input of this function');
  expect(start).not.toHaveBeenCalled();
});
