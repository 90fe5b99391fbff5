import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/transfers/recover-transfers.ts';
import type { AccountsPage } from '../../../functions/transfers/reservations.ts';
import type { TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import { createMemoryLedger, type MemoryLedger } from '../projections/memory-ledger.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { machine, NOW, page, recovery, reserved } from './recovery.ts';

describe('on demand, from the streams', () => {
  const event = { from: 'streams' };
  const bank = () => {
    const ledger = createMemoryLedger();
    for (const accountId of ['a', 'c']) {
      ledger.commit(
        { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
        { type: 'deposit', accountId, amount: 100 },
      );
    }
    return ledger;
  };
  const reserve = (accountId: string, transferId: string) => ({
    type: 'reserve',
    accountId,
    transferId,
    to: 'b',
    amount: 5,
  });
  /** The ledger as if all had been committed so many minutes ago. */
  const aged = (ledger: MemoryLedger, minutes: number): Pick<MemoryLedger, 'load' | 'history'> => ({
    ...ledger,
    load: async (accountId) =>
      JSON.parse(
        JSON.stringify(await ledger.load(accountId)).replaceAll(
          /"at":"[^"]*"/g,
          `"at":"${reserved(minutes)}"`,
        ),
      ),
  });

  it('passes over what is held, and starts again what was captured, of what was captured, by the age of that', async () => {
    const ledger = bank();
    const hold = { type: 'hold', accountId: 'a', to: 'b', amount: 5 };
    ledger.commit({ ...hold, transferId: 't1' }, { ...hold, transferId: 't2' });
    ledger.commit({ type: 'capture', accountId: 'a', transferId: 't2', amount: 3 });
    const { recover, start } = recovery({ ledger, accounts: [page('a')] });
    expect(await recover(event)).toEqual({ found: 1, started: 1, left: 0 });
    expect(start.mock.calls).toEqual([
      [
        expect.stringMatching(/^t2\.r6\./),
        expect.objectContaining({ transferId: 't2', from: 'a', to: 'b', amount: 3 }),
      ],
    ]);
  });

  it('starts again what is still reserved there, in the name of who asked for it, and nothing that ended', async () => {
    const ledger = bank();
    ledger.commit(reserve('a', 't1'), reserve('a', 't2'));
    ledger.commit(reserve('c', 't3'));
    ledger.commit({ type: 'settle', accountId: 'a', transferId: 't1' });
    const { recover, start, openTransfers } = recovery({
      ledger,
      accounts: [page('a', 'c'), page('nobody')],
    });
    expect(await recover(event)).toEqual({ found: 2, started: 2, left: 0 });
    const terms = { to: 'b', amount: 5, currency: 'EUR', actor: 'alice' };
    expect(start.mock.calls.sort()).toEqual([
      [
        expect.stringMatching(/^t2\.r6\./),
        { ...terms, transferId: 't2', from: 'a', correlationId: 'k2-1' },
      ],
      [
        expect.stringMatching(/^t3\.r6\./),
        { ...terms, transferId: 't3', from: 'c', correlationId: 'k3-0' },
      ],
    ]);
    expect(openTransfers).not.toHaveBeenCalled();
  });

  it.each([
    ['leaves alone what was reserved within the last minute', 0.99, 0],
    ['leaves alone what was reserved by a clock that was a little ahead', -1, 0],
    ['starts what was reserved by a clock that was far ahead', -60, 1],
  ])('%s', async (_, minutes, started) => {
    const ledger = bank();
    ledger.commit(reserve('a', 't1'));
    const { recover, counts } = recovery({ ledger: aged(ledger, minutes), accounts: [page('a')] });
    expect(await recover(event)).toEqual({ found: started, started, left: 0 });
    expect(counts).toEqual(started ? { TransfersRecovered: 1, CommitsAheadOfTime: 1 } : {});
  });

  it('an account that cannot be read does not keep the others from being recovered', async () => {
    const ledger = bank();
    ledger.commit(reserve('c', 't3'));
    const load: typeof ledger.load = async (accountId) => {
      if (accountId === 'a') throw new Error('no snapshot');
      return ledger.load(accountId);
    };
    const accounts = [{ ...page('a', 'c'), unreadable: ['no id!'] }];
    const { recover, start, logger } = recovery({ ledger: { ...ledger, load }, accounts });
    await expect(recover(event)).rejects.toThrow(
      new Error('2 failures on the way to 1 open transfers; 1 are started again, 0 left'),
    );
    expect(start).toHaveBeenCalledOnce();
    expect(logger.error.mock.calls.map(([, context]) => context)).toMatchObject([
      { accountId: 'no id!' },
      { accountId: 'a' },
    ]);
  });

  describe('stops in time and says how to go on', () => {
    const second = { streamId: 'c', version: 3 };
    const pages = [page('a'), { ...page('c'), after: second }];
    const two = () => {
      const ledger = bank();
      ledger.commit(reserve('a', 't1'));
      ledger.commit(reserve('c', 't2'));
      return ledger;
    };

    it('at the page that it has not finished', async () => {
      let now = NOW;
      const workflow = machine();
      const start: TransferWorkflow['start'] = async (name) => {
        now += 1_000;
        return workflow.start(name);
      };
      const ledger = two();
      const first = recovery({
        ledger,
        accounts: pages,
        workflow: { ...workflow, start },
        clock: () => now,
      });
      // The time ran out while the first page was seen to, so all of it is asked for again.
      expect(await first.recover(event)).toEqual({
        found: 1,
        started: 1,
        left: 0,
        next: { from: 'streams' },
      });
      workflow.endAll();
      const next = recovery({ ledger, accounts: pages, workflow, clock: () => NOW + 1 });
      expect(await next.recover({ from: 'streams' })).toEqual({ found: 2, started: 1, left: 0 });
      expect(next.asked).toEqual([undefined]);
    });

    it('where the next page is asked for too late', async () => {
      let now = NOW;
      const loaded: string[] = [];
      const late = createHandlerOver(
        async function* () {
          yield pages[0] ?? page();
          now += 1_000;
          yield pages[1] ?? page();
        },
        () => now,
        loaded,
      );
      expect(await late({ from: 'streams' })).toMatchObject({
        started: 1,
        next: { from: 'streams', after: second },
      });
      expect(loaded).toEqual(['a']);
    });

    it('in the error too, where a page could not be read', async () => {
      const failing = createHandlerOver(async function* () {
        yield pages[1] ?? page();
        throw new Error('throttled');
      });
      await expect(failing({ from: 'streams', after: second })).rejects.toThrow(
        '1 failures on the way to 1 open transfers; 1 are started again, 0 left; ' +
          'go on with {"from":"streams","after":{"streamId":"c","version":3}}',
      );
    });

    it('and goes on from there', async () => {
      const { recover, asked } = recovery({ ledger: two(), accounts: pages.slice(1) });
      expect(await recover({ from: 'streams', after: second })).toEqual({
        found: 1,
        started: 1,
        left: 0,
      });
      expect(asked).toEqual([second]);
    });

    const createHandlerOver = (
      accounts: () => AsyncGenerator<AccountsPage>,
      clock = () => NOW,
      loaded: string[] = [],
    ) => {
      const ledger = two();
      const load: typeof ledger.load = (accountId) => {
        loaded.push(accountId);
        return ledger.load(accountId);
      };
      const { telemetry } = recordedTelemetry();
      const openTransfers = async function* () {};
      const dependencies = { workflow: machine(), telemetry, clock, budget: 1_000 };
      return createHandler({
        views: { openTransfers },
        store: { ...ledger, load },
        accounts,
        ...dependencies,
      });
    };
  });
});
