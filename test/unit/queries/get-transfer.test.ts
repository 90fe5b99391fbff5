import { expect, it } from 'vitest';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import { createHandler } from '../../../functions/queries/get-transfer.ts';
import { createFundedLedger } from '../http/ledger.ts';
import { send } from '../http/request.ts';

const createTransfer = async () => {
  const { transfer, views, time } = await createFundedLedger();
  const { body } = await transfer({ transferId: 't1', from: 'a1', to: 'b1', amount: 1 });
  const get = () => send(createHandler({ views, time }), { path: { transferId: 't1' } });
  return { known: Transfer.parse(body), views, time, get };
};

it('a transfer is answered 200 with its steps', async () => {
  const { known, views, get, time } = await createTransfer();
  views.transfer.mockResolvedValueOnce(known);
  expect(await get()).toMatchObject({ status: 200, body: known });
  expect(time.pauses).toEqual([]);
});

it('a transfer that the views do not know yet is waited for', async () => {
  const { known, views, get, time } = await createTransfer();
  views.transfer.mockResolvedValueOnce(undefined).mockResolvedValueOnce(undefined).mockResolvedValueOnce(known);
  expect(await get()).toMatchObject({ status: 200, body: known });
  expect(time.pauses).toEqual([10, 10]);
});

it('a transfer that the views do not know after half a second is answered 404', async () => {
  const { get, time } = await createTransfer();
  const startedAt = time.clock();
  expect(await get()).toMatchObject({ status: 404, body: { code: 'transfer_not_found' } });
  expect(time.clock() - startedAt).toBe(500);
});
