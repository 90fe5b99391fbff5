import { beforeEach, describe, expect, it, vi } from 'vitest';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import type { Tail } from '../../../functions/store/stream/tail.ts';
import { createHandler } from '../../../functions/transfers/carry-out-transfers.ts';
import type { TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import {
  createMemoryLedger,
  failureOf,
  type MemoryLedger,
  streamRecord,
} from '../projections/memory-ledger.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { accepted, rejectedFor, undecided } from './transfer.ts';

let ledger: MemoryLedger;

beforeEach(() => {
  ledger = createMemoryLedger();
  for (const accountId of ['a', 'c']) {
    ledger.commit(
      { type: 'open', accountId, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
      { type: 'deposit', accountId, amount: 1_000 },
    );
  }
});

const reserve = (transferId: string, more: object = {}) => ({
  type: 'reserve',
  accountId: 'a',
  transferId,
  to: 'b',
  amount: 10,
  ...more,
});

const recordFor = (...commands: object[]) => streamRecord(ledger.commit(...commands)?.item ?? {});

/** What a store answers to a command; anything thrown is thrown for its whole account. */
type Answer = (command: CommandRequest['command']) => unknown;

const carrier = (
  answer: Answer = () => accepted,
  start: TransferWorkflow['start'] = async () => 'started',
  clock = () => 0,
) => {
  const { telemetry, counts, logger, measured } = recordedTelemetry();
  const store = {
    executeTogether: vi.fn(
      async (
        _: string,
        requests: readonly CommandRequest[],
        _tail?: Tail,
      ): Promise<CommandResult[]> =>
        JSON.parse(JSON.stringify(requests.map(({ command }) => answer(command)))),
    ),
  };
  const workflow = { start: vi.fn(start) };
  const handle = createHandler({
    store,
    workflow,
    telemetry,
    clock,
    random: () => 1,
    sleep: async () => {},
    budget: { steps: 100, starts: 200 },
  });
  /** The steps that were asked for: the account, and what was asked of it. */
  const steps = () =>
    store.executeTogether.mock.calls.map(([accountId, requests]) => [
      accountId,
      ...requests.map(
        ({ command }) => `${command.type} ${'transferId' in command ? command.transferId : ''}`,
      ),
    ]);
  return {
    handle: (...Records: ReturnType<typeof streamRecord>[]) => handle({ Records }),
    store,
    workflow,
    counts,
    measured,
    logger,
    steps,
  };
};

const nothingFailed = { batchItemFailures: [] };

describe('a hold', () => {
  const hold = (transferId: string) => ({ ...reserve(transferId), type: 'hold' });
  const capture = (transferId: string, amount?: number) => ({
    ...{ type: 'capture', accountId: 'a', transferId, amount },
  });

  it('rests, though its commit be delivered: nothing is asked of any account, and nothing is started', async () => {
    const { handle, store, workflow } = carrier();
    expect(await handle(recordFor(hold('t1')))).toEqual(nothingFailed);
    expect(store.executeTogether).not.toHaveBeenCalled();
    expect(workflow.start).not.toHaveBeenCalled();
  });

  it('is carried out from its capture on, with what was captured, in the name of who captured it', async () => {
    ledger.commit(hold('t1'));
    const { handle, store, steps } = carrier();
    expect(await handle(recordFor({ ...capture('t1', 7), reference: 'rent' }))).toEqual(
      nothingFailed,
    );
    expect(steps()).toEqual([
      ['b', 'credit t1'],
      ['a', 'settle t1'],
    ]);
    const by = { actor: 'alice', correlationId: 'k3-0' };
    const [request] = store.executeTogether.mock.calls[0]?.[1] ?? [];
    expect(request).toEqual({
      command: {
        ...{ type: 'credit', accountId: 'b', transferId: 't1', from: 'a', amount: 7 },
        ...{ currency: 'EUR', reference: 'rent' },
      },
      keys: ['credit:t1'],
      ...by,
    });
  });

  it('that comes in one commit with others keeps none of them', async () => {
    ledger.commit(hold('t1'));
    const { handle, steps } = carrier();
    await handle(recordFor(hold('t2'), capture('t1'), reserve('t3')));
    expect(steps()).toEqual([
      ['b', 'credit t1', 'credit t3'],
      ['a', 'settle t1', 'settle t3'],
    ]);
  });
});

describe('a transfer that goes straight', () => {
  it('is credited and settled, in the name of who asked for it, and needs no workflow', async () => {
    const { handle, store, workflow, counts } = carrier();
    expect(await handle(recordFor(reserve('t1', { reference: 'rent' })))).toEqual(nothingFailed);
    const by = { actor: 'alice', correlationId: 'k2-0' };
    expect(store.executeTogether.mock.calls).toEqual([
      [
        'b',
        [
          {
            command: {
              type: 'credit',
              accountId: 'b',
              transferId: 't1',
              from: 'a',
              amount: 10,
              currency: 'EUR',
              reference: 'rent',
            },
            keys: ['credit:t1'],
            ...by,
          },
        ],
        undefined,
      ],
      [
        'a',
        [
          {
            command: { type: 'settle', accountId: 'a', transferId: 't1', reference: 'rent' },
            ...by,
          },
        ],
        expect.objectContaining({
          streamId: 'a',
          version: 3,
          account: expect.objectContaining({ reserved: 10 }),
        }),
      ],
    ]);
    expect(workflow.start).not.toHaveBeenCalled();
    expect(counts).toEqual({ TransfersCarriedOut: 1 });
  });

  it('tells how long the slowest of its batch took, from its reservation on; a clock that was ahead says nothing', async () => {
    const first = recordFor(reserve('t1'));
    const since = Date.parse(ledger.committed.at(-1)?.commit.at ?? '');
    const [late, early] = [
      carrier(undefined, undefined, () => since + 700),
      carrier(undefined, undefined, () => 0),
    ];
    const second = recordFor(reserve('t2'));
    await late.handle(first, second);
    await early.handle(first);
    expect(late.measured).toEqual({ TransferTime: [700] });
    expect(early.measured).toEqual({ TransferTime: [0] });
  });

  it('tells nothing where nothing was settled', async () => {
    const { handle, measured } = carrier(() => ({ outcome: 'undecided' }));
    await handle(recordFor(reserve('t1')));
    expect(measured).toEqual({});
  });

  it('goes with the others of its batch: one step an account, however many transfers meet on it', async () => {
    const { handle, steps } = carrier();
    await handle(
      recordFor(reserve('t1'), reserve('t2', { to: 'd' })),
      recordFor(reserve('t3', { accountId: 'c' })),
      recordFor(reserve('t4')),
    );
    expect(steps().sort()).toEqual([
      ['a', 'settle t1', 'settle t4', 'settle t2'],
      ['b', 'credit t1', 'credit t3', 'credit t4'],
      ['c', 'settle t3'],
      ['d', 'credit t2'],
    ]);
  });
});

describe('the source is read before it is settled', () => {
  const tailsGiven = async (...records: ReturnType<typeof streamRecord>[]) => {
    const { handle, store } = carrier();
    await handle(...records);
    return store.executeTogether.mock.calls
      .filter(([, requests]) => requests.some(({ command }) => command.type === 'settle'))
      .map(([, , tail]) => tail?.version);
  };

  it('unless the latest of its reservations tells all', async () => {
    expect(await tailsGiven(recordFor(reserve('t1')), recordFor(reserve('t2')))).toEqual([4]);
  });

  it('where several commands met on it', async () => {
    expect(await tailsGiven(recordFor(reserve('t1'), reserve('t2')))).toEqual([undefined]);
  });

  it('where several commands met on it after a reservation that told all', async () => {
    const records = [recordFor(reserve('t1')), recordFor(reserve('t2'), reserve('t3'))];
    expect(await tailsGiven(...records)).toEqual([undefined]);
  });

  it('where it is paid in the same batch', async () => {
    const back = reserve('t2', { accountId: 'c', to: 'a' });
    expect(await tailsGiven(recordFor(reserve('t1', { to: 'c' })), recordFor(back))).toEqual([
      undefined,
      undefined,
    ]);
  });
});

it('does nothing for a commit that reserves nothing', async () => {
  const { handle, store, workflow } = carrier();
  expect(await handle(recordFor({ type: 'deposit', accountId: 'a', amount: 1 }))).toEqual(
    nothingFailed,
  );
  expect(store.executeTogether).not.toHaveBeenCalled();
  expect(workflow.start).not.toHaveBeenCalled();
});

describe('a transfer that does not go straight is left to the workflow, and the others are settled', () => {
  const others = ['t1', 't3'];
  const threeWhere = async (answer: Answer) => {
    const run = carrier(answer);
    expect(await run.handle(recordFor(...['t1', 't2', 't3'].map((id) => reserve(id))))).toEqual(
      nothingFailed,
    );
    return run;
  };
  const isStep = (step: string) => (command: CommandRequest['command']) =>
    command.type === step && 'transferId' in command && command.transferId === 't2';

  it.each([...undecided, rejectedFor('account_not_found'), { outcome: 'key_reused' }])(
    'when its credit is %o: it is not settled',
    async (result) => {
      const { workflow, counts, steps } = await threeWhere((command) =>
        isStep('credit')(command) ? result : accepted,
      );
      expect(steps().at(-1)).toEqual(['a', ...others.map((id) => `settle ${id}`)]);
      expect(workflow.start).toHaveBeenCalledExactlyOnceWith('t2', {
        transferId: 't2',
        from: 'a',
        to: 'b',
        amount: 10,
        currency: 'EUR',
        correlationId: 'k2-1',
        actor: 'alice',
      });
      expect(counts).toEqual({ TransfersCarriedOut: 2, TransfersLeftToWorkflow: 1 });
    },
  );

  it.each(undecided)('when its settlement is %o', async (result) => {
    const { workflow, counts } = await threeWhere((command) =>
      isStep('settle')(command) ? result : accepted,
    );
    expect(workflow.start.mock.calls.map(([name]) => name)).toEqual(['t2']);
    expect(counts).toEqual({ TransfersCarriedOut: 2, TransfersLeftToWorkflow: 1 });
  });

  it('when an account cannot be worked on at all', async () => {
    const { handle, workflow, logger } = carrier((command) => {
      if (command.accountId === 'd') throw new Error('no stream');
      return accepted;
    });
    await handle(recordFor(reserve('t1'), reserve('t2', { to: 'd' }), reserve('t3')));
    expect(workflow.start.mock.calls.map(([name]) => name)).toEqual(['t2']);
    expect(logger.error).toHaveBeenCalledOnce();
  });

  it('and says why, where its step failed for a cause of its own', async () => {
    const cause = 'the item is too large';
    const { logger } = await threeWhere((command) =>
      isStep('credit')(command) ? { outcome: 'undecided', reason: 'failed', cause } : accepted,
    );
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(expect.any(String), {
      accountId: 'b',
      error: cause,
    });
  });

  it('and one that the workflow has already is in hand', async () => {
    const { handle, counts } = carrier(
      () => rejectedFor('account_not_found'),
      async () => 'already_exists',
    );
    expect(await handle(recordFor(reserve('t1')))).toEqual(nothingFailed);
    expect(counts).toEqual({});
  });
});

describe('what could neither be ended nor handed over is reported for delivery again', () => {
  const rejected = () => rejectedFor('account_not_found');
  const startsAllBut =
    (lost: string): TransferWorkflow['start'] =>
    async (name) => {
      if (name === lost) throw new Error('throttled');
      return 'started';
    };

  it('a start that fails', async () => {
    const { handle, workflow, counts, logger } = carrier(rejected, startsAllBut('t2'));
    const records = ['t1', 't2', 't3'].map((transferId) => recordFor(reserve(transferId)));
    expect(await handle(...records)).toEqual({
      batchItemFailures: [records[1] && failureOf(records[1])],
    });
    expect(workflow.start).toHaveBeenCalledTimes(3);
    expect(counts).toEqual({ TransfersLeftToWorkflow: 2, TransferStartFailures: 1 });
    expect(logger.error).toHaveBeenCalledWith(
      'the transfer workflow could not be started',
      expect.objectContaining({ correlation_id: 'k3-0', transferId: 't2' }),
    );
  });

  it('a commit of which two reservations fail, once', async () => {
    const { handle } = carrier(rejected, async () => Promise.reject(new Error('throttled')));
    const record = recordFor(reserve('t1'), reserve('t2'));
    expect(await handle(record)).toEqual({ batchItemFailures: [failureOf(record)] });
  });

  it('what there was no more time for: steps are left to the workflow, starts are reported', async () => {
    const records = ['t1', 't2'].map((transferId) => recordFor(reserve(transferId)));
    const run = async (at: number) => {
      let now = 0;
      const { handle, store, workflow } = carrier(
        () => accepted,
        async () => 'started',
        () => now,
      );
      const promise = handle(...records);
      now = at;
      const { batchItemFailures } = await promise;
      return [
        store.executeTogether.mock.calls.length,
        workflow.start.mock.calls.length,
        batchItemFailures.length,
      ];
    };
    expect(await run(99)).toEqual([2, 0, 0]);
    expect(await run(100)).toEqual([0, 2, 0]);
    expect(await run(199)).toEqual([0, 2, 0]);
    expect(await run(200)).toEqual([0, 0, 2]);
  });
});

describe('a stream record that can never be read is passed over in its first delivery, and counted', () => {
  it.each([
    ['a MODIFY', () => streamRecord(ledger.committed[0]?.item ?? {}, 'MODIFY')],
    ['a REMOVE', () => streamRecord({ streamId: 'a', version: 1 }, 'REMOVE')],
    [
      'an event that nobody knows',
      () =>
        streamRecord({
          ...ledger.committed[0]?.item,
          events: [{ type: 'MoneyBurnt', v: 1, data: {} }],
        }),
    ],
  ])('%s', async (_, record) => {
    const { handle, counts, logger } = carrier();
    expect(await handle(record(), recordFor(reserve('t1')))).toEqual(nothingFailed);
    expect(counts).toEqual({ TransfersCarriedOut: 1, UnreadableRecords: 1 });
    expect(logger.error).toHaveBeenCalledWith('a stream record is passed over', {
      accountId: 'a',
      version: 1,
      error: expect.any(Error),
    });
  });

  it('but one that does not say where it stands fails the whole batch', async () => {
    const { handle } = carrier();
    expect(await handle({})).toEqual({ batchItemFailures: [{ itemIdentifier: '' }] });
  });
});
