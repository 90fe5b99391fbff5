import { describe, expect, it } from 'vitest';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import { createHandler } from '../../../functions/queries/get-transfer.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { UnreadableRow } from '../../../functions/views/row.ts';
import { createFundedLedger } from '../http/ledger.ts';
import { send } from '../http/request.ts';
import { silentHttp as http } from '../runtime/recorded-telemetry.ts';

const rent = { from: 'a1', to: 'b1', amount: 2500, reference: 'rent' };
const notFound = { status: 404, body: { code: 'transfer_not_found' } };

/** A ledger whose views know nothing, unless the test shows them something. */
const createLedger = async () => {
  const ledger = await createFundedLedger();
  const handler = createHandler({ store: ledger.store, views: ledger.views, ...http });
  return { ...ledger, get: (transferId: string) => send(handler, { path: { transferId } }) };
};

describe('reading a transfer', () => {
  it('answers 200 with the transfer as the views have it, and asks nothing else', async () => {
    const { transfer, show, get, store } = await createLedger();
    const reserved = Transfer.parse((await transfer({ ...rent, transferId: 't1' })).body);
    show({ ...reserved, status: 'credited' });
    expect(await get('t1')).toMatchObject({
      status: 200,
      body: { ...reserved, status: 'credited' },
    });
    expect(store.recordOf).not.toHaveBeenCalled();
  });

  it.each([
    ['own transferId', { ...rent, transferId: 't1' }, {}],
    ['Idempotency-Key', rent, { 'Idempotency-Key': 'k1' }],
    ['own transferId beside a key', { ...rent, transferId: 't1' }, { 'Idempotency-Key': 'k1' }],
    ['made id', rent, {}],
  ])('knows it by its %s from the 202 on, though no view does', async (_, body, headers) => {
    const { transfer, get } = await createLedger();
    const accepted = await transfer(body, headers);
    expect(accepted.status).toBe(202);
    const answer = await get(String(accepted.body['transferId']));
    expect(answer).toMatchObject({ status: 200 });
    // What the source has available is for those who asked for the transfer.
    const { availableAfter: __, ...known } = accepted.body;
    expect(answer.body).toEqual(known);
  });

  it('concludes that there is none from the record alone, and at once', async () => {
    const { get, store, time } = await createLedger();
    expect(await get('t1')).toMatchObject(notFound);
    expect(store.recordOf).toHaveBeenCalledExactlyOnceWith('command:t1');
    expect(time.pauses).toEqual([]);
  });

  it('answers 404 where the transfer was rejected', async () => {
    const { transfer, get } = await createLedger();
    expect(await transfer({ ...rent, transferId: 't1', amount: 10_001 })).toMatchObject({
      status: 422,
    });
    expect(await get('t1')).toMatchObject(notFound);
  });

  it('answers 404 where the id is the key of another command: a deposit, an account, a transfer of another id', async () => {
    const { store, deposit, open, transfer, get } = await createLedger();
    const keyed = { 'Idempotency-Key': 'k1' };
    expect((await deposit('a1', { body: { amount: 1 }, headers: keyed })).status).toBe(201);
    expect((await open({ currency: 'EUR' }, keyed)).status).toBe(201);
    expect(
      (await transfer({ ...rent, transferId: 't1' }, { 'Idempotency-Key': 'k2' })).status,
    ).toBe(202);
    const keys = store.execute.mock.calls
      .flatMap(([{ keys = [] }]) => keys)
      .filter((key) => key !== recordKey('t1'));
    expect(keys).toHaveLength(3);
    for (const key of keys) {
      expect(await store.recordOf(key)).toMatchObject({ outcome: 'accepted' });
      expect(await get(key.replace('command:', ''))).toMatchObject(notFound);
    }
  });

  it.each(['pending', 'given_up'] as const)(
    'answers 404 where the transfer is %s: no 202 has shown it',
    async (outcome) => {
      const { transfer, store, get } = await createLedger();
      await transfer({ ...rent, transferId: 't1' });
      const record = await store.recordOf(recordKey('t1'));
      if (record?.outcome !== 'accepted') throw new Error('it was accepted');
      const [request] = store.execute.mock.lastCall ?? [];
      if (!request) throw new Error('it was asked for');
      const { command, actor, correlationId } = request;
      const { key, accountId, schema, fingerprint, writeId, at } = record;
      const envelope = { key, accountId, schema, fingerprint, writeId, at };
      store.recordOf.mockResolvedValueOnce(
        outcome === 'given_up'
          ? { ...envelope, outcome, pendingId: 'w' }
          : { ...envelope, outcome, commandSchema: 1, keys: [key], command, actor, correlationId },
      );
      expect(await get('t1')).toMatchObject(notFound);
    },
  );

  it('answers 503 where its record is written in a form that is not known here: it may be there', async () => {
    const { store, get } = await createLedger();
    store.recordOf.mockResolvedValueOnce({ outcome: 'unreadable', key: recordKey('t1') });
    expect(await get('t1')).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
      body: { code: 'try_again' },
    });
  });

  it('answers 503 where the views have a row of it that cannot be read: it has got further, perhaps', async () => {
    const { transfer, views, get } = await createLedger();
    await transfer({ ...rent, transferId: 't1' });
    views.transfer.mockImplementationOnce(async (_, __, tell) => {
      tell?.(new UnreadableRow({ pk: 'transfer#t1', sk: 'from#a1' }, 'it is of later code'));
      return undefined;
    });
    expect(await get('t1')).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
      body: { code: 'try_again' },
    });
    // Of two rows one is enough to answer with.
    const shown = Transfer.parse((await get('t1')).body);
    views.transfer.mockImplementationOnce(async (_, __, tell) => {
      tell?.(new UnreadableRow({ pk: 'transfer#t1', sk: 'from#b1' }, 'it is of later code'));
      return shown;
    });
    expect(await get('t1')).toMatchObject({ status: 200 });
  });

  it('answers what was recorded whatever transfers have become since: one attribute more is no harm', async () => {
    const { transfer, store, get } = await createLedger();
    const { body: told } = await transfer({ ...rent, transferId: 't1' });
    const { availableAfter: _, ...body } = told;
    const record = await store.recordOf(recordKey('t1'));
    if (record?.outcome !== 'accepted') throw new Error('it was accepted');
    store.recordOf.mockResolvedValueOnce({ ...record, answer: { ...body, purpose: 'RENT' } });
    expect(await get('t1')).toMatchObject({ status: 200, body: { ...body, purpose: 'RENT' } });
  });
});
