import { describe, expect, it, vi } from 'vitest';
import type { Store } from '../../../functions/store/store.ts';
import { readRecord } from '../../../functions/store/writing/command-record.ts';
import { createHandler } from '../../../functions/transfers/credit-transfer.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import {
  accepted,
  incomplete,
  rejectedFor,
  storeThatAnswers,
  transfer,
  undecided,
} from './transfer.ts';

const isItem = (record: unknown): record is Record<string, unknown> =>
  typeof record === 'object' && record !== null;

const credit = async (
  store: Pick<Store, 'load' | 'execute'>,
  input: unknown = transfer,
  record?: unknown,
) => {
  const { telemetry, counts, logger } = recordedTelemetry();
  const recordOf = vi.fn<Store['recordOf']>(async () =>
    isItem(record) ? readRecord(record) : undefined,
  );
  return {
    result: await createHandler({ store: { ...store, recordOf }, telemetry })(input),
    counts,
    logger,
    recordOf,
  };
};

it('credits the destination under a key that is made of the transfer id', async () => {
  const store = storeThatAnswers(accepted);
  expect((await credit(store)).result).toEqual({ outcome: 'credited' });
  const { transferId, from, to, amount, currency, reference, correlationId, actor } = transfer;
  expect(store.execute).toHaveBeenCalledExactlyOnceWith({
    command: { type: 'credit', accountId: to, transferId, from, amount, currency, reference },
    keys: ['credit:t1'],
    actor,
    correlationId,
  });
});

it('asks without a field for the reference where there is none: the key knows a request by its fields', async () => {
  const store = storeThatAnswers(accepted);
  const { reference: _, ...rest } = transfer;
  await credit(store, rest);
  expect(store.execute.mock.calls[0]?.[0].command).not.toHaveProperty('reference');
});

it('a credit that was accepted before is credited', async () => {
  expect((await credit(storeThatAnswers({ ...accepted, replayed: true }))).result).toEqual({
    outcome: 'credited',
  });
});

it.each(['account_not_found', 'account_not_open', 'currency_mismatch', 'amount_out_of_range'])(
  'a rejection is reported with its code: %s',
  async (code) => {
    const { result, counts } = await credit(storeThatAnswers(rejectedFor(code)));
    expect(result).toEqual({ outcome: 'rejected', reason: code });
    expect(counts).toEqual({ CreditsRejected: 1 });
  },
);

const at = '2026-11-21T12:00:00.000Z';
const place = {
  key: 'credit:t1',
  accountId: 'b',
  schema: 1,
  fingerprint: 'another',
  writeId: 'w',
  at,
};
const rejection = { code: 'account_not_found', detail: 'There is no account b.' };
const pendingCredit = {
  ...{
    ...place,
    commandSchema: 1,
    keys: ['credit:t1'],
    outcome: 'pending',
    actor: 'alice',
    correlationId: 'k0',
  },
  command: {
    type: 'credit',
    accountId: 'b',
    transferId: 't1',
    from: 'a',
    amount: 9,
    currency: 'EUR',
  },
};

describe('without its reservation on the source', () => {
  const creditWithout = (
    result: unknown,
    record?: unknown,
    reservation: object | 'none' = 'none',
  ) => {
    const { telemetry, counts, logger } = recordedTelemetry();
    const store = storeThatAnswers(result, reservation);
    const recordOf = vi.fn<Store['recordOf']>(async () =>
      isItem(record) ? readRecord(record) : undefined,
    );
    return {
      store,
      recordOf,
      counts,
      logger,
      outcome: createHandler({ store: { ...store, recordOf }, telemetry })(transfer),
    };
  };

  it.each([
    ['there is none', 'none' as const],
    ['it is another transfer’s', { transferId: 't2' }],
    ['it is to another account', { to: 'c' }],
    ['it is of another amount', { amount: 2501 }],
  ])('a transfer is not credited, and an error says so, when %s', async (_, reservation) => {
    const { store, recordOf, counts, logger, outcome } = creditWithout(
      accepted,
      undefined,
      reservation,
    );
    await expect(outcome).rejects.toMatchObject({
      name: 'ReservationMissing',
      code: 'reservation_missing',
      message: expect.stringContaining('transfer t1 is not credited: a has no such reservation'),
    });
    expect(store.load).toHaveBeenCalledExactlyOnceWith('a');
    expect(recordOf).toHaveBeenCalledExactlyOnceWith('credit:t1');
    expect(store.execute).not.toHaveBeenCalled();
    expect(counts).toEqual({ CreditsWithoutReservation: 1 });
    expect(logger.error).toHaveBeenCalledOnce();
  });

  it('one that was credited is answered by its record', async () => {
    const record = { ...place, outcome: 'accepted', version: 3 };
    const { outcome, counts } = creditWithout({ ...accepted, replayed: true }, record);
    expect(await outcome).toEqual({ outcome: 'credited' });
    expect(counts).toEqual({});
  });

  it('and so is one whose credit was rejected', async () => {
    const { outcome } = creditWithout(rejectedFor('account_not_found'), {
      ...place,
      outcome: 'rejected',
      rejection,
    });
    expect(await outcome).toEqual({ outcome: 'rejected', reason: 'account_not_found' });
  });

  it('one whose credit is pending is not decided', async () => {
    const { outcome, store } = creditWithout(accepted, pendingCredit);
    await expect(outcome).rejects.toMatchObject({
      name: 'UndecidedStep',
      code: 'undecided_step',
      message: 'the credit of transfer t1 is not decided: in_progress',
    });
    expect(store.execute).not.toHaveBeenCalled();
  });
});

describe('a key that holds another request', () => {
  const creditFrom = (counterparty: string) => ({
    ...place,
    outcome: 'accepted',
    version: 3,
    answer: {
      entryId: 'b-3',
      accountId: 'b',
      kind: 'transfer_in',
      amount: 9,
      balanceAfter: 10,
      version: 3,
      at,
      transferId: 't1',
      counterparty,
    },
  });
  const reused = (record?: unknown) =>
    credit(storeThatAnswers({ outcome: 'key_reused' }), transfer, record);

  it('is a rejection, when it is the credit of another source with the same transfer id', async () => {
    const { result, counts, recordOf } = await reused(creditFrom('c'));
    expect(result).toEqual({ outcome: 'rejected', reason: 'transfer_id_reused' });
    expect(counts).toEqual({ CreditsRejected: 1 });
    expect(recordOf).toHaveBeenCalledExactlyOnceWith('credit:t1');
  });

  it('is a rejection, when it is not even of a transfer of that id', async () => {
    const other = creditFrom('a');
    const { result } = await reused({ ...other, answer: { ...other.answer, transferId: 't2' } });
    expect(result).toEqual({ outcome: 'rejected', reason: 'transfer_id_reused' });
  });

  it('is a rejection, when the other request was rejected: a decided key is never free again', async () => {
    const { result } = await reused({ ...place, outcome: 'rejected', rejection });
    expect(result).toEqual({ outcome: 'rejected', reason: 'transfer_id_reused' });
  });

  it('is no rejection, when the money of this very transfer has arrived: releasing it would make money', async () => {
    const { result, logger } = await reused(creditFrom('a'));
    expect(result).toEqual({ outcome: 'credited' });
    expect(logger.error).toHaveBeenCalledOnce();
  });

  it('is not decided, while the other request waits to be: it may be this transfer in other words', async () => {
    await expect(reused(pendingCredit)).rejects.toMatchObject({ name: 'UndecidedStep' });
  });

  it.each([
    ['a record of a newer form', { ...place, schema: 99, outcome: 'accepted', version: 3 }],
    ['an accepted one that does not say whose it is', { ...creditFrom('c'), answer: undefined }],
    ['no record at all', undefined],
  ])('is not decided by %s', async (_, record) => {
    await expect(reused(record)).rejects.toMatchObject({ name: 'UndecidedStep' });
  });
});

describe('concludes nothing from what is not decided, and has the workflow try again', () => {
  it.each(undecided)('$outcome $reason', async (result) => {
    await expect(credit(storeThatAnswers(result))).rejects.toMatchObject({
      name: 'UndecidedStep',
      message: expect.stringContaining('the credit of transfer t1 is not decided'),
    });
  });

  it('an error of the store', async () => {
    const store = storeThatAnswers(accepted);
    store.execute.mockRejectedValueOnce(new Error('no stream'));
    await expect(credit(store)).rejects.toThrow('no stream');
  });
});

it.each(incomplete)(
  'refuses an input without $field, by its name, and asks nothing of the store',
  async (wrong) => {
    const store = storeThatAnswers(accepted);
    await expect(credit(store, wrong.input)).rejects.toThrow(
      new RegExp(`not an input of this function.*${wrong.field}`, 's'),
    );
    expect(store.execute).not.toHaveBeenCalled();
  },
);
