import { expect, it } from 'vitest';
import { createClient } from '../../../client/client.ts';
import { payInvoice } from '../../../client/examples.ts';

/** A ledger on which a transfer is pending at first, and what it is asked. */
const busyLedger = (decision: object) => {
  const asked: string[] = [];
  const pending = { accountId: 'a1', commandId: 'c1', status: 'pending' };
  const answers: Record<string, object[]> = {
    'POST /transfers': [pending],
    'GET /accounts/a1/commands/c1': [pending, { ...pending, ...decision }],
    'GET /transfers/invoice-7': [{ status: 'reserved' }, { status: 'settled' }],
  };
  const ledger = createClient({
    url: 'http://ledger.test',
    send: async ({ method, url }) => {
      const route = `${method} ${new URL(url).pathname}`;
      asked.push(route);
      return Response.json(answers[route]?.shift(), { status: method === 'POST' ? 202 : 200 });
    },
  });
  return { ledger, asked };
};

const invoice = { id: '7', payer: 'a1', payee: 'b1', cents: 10 };

it('a transfer that is pending is waited for until it is decided, then until it has ended', async () => {
  const { ledger, asked } = busyLedger({ status: 'accepted' });
  expect(await payInvoice(ledger, invoice)).toEqual({ status: 'settled' });
  expect(asked).toEqual([
    'POST /transfers',
    ...['GET /accounts/a1/commands/c1', 'GET /accounts/a1/commands/c1'],
    ...['GET /transfers/invoice-7', 'GET /transfers/invoice-7'],
  ]);
});

it('a transfer that is pending and then refused says why', async () => {
  const rejection = { code: 'insufficient_funds', detail: '' };
  const { ledger, asked } = busyLedger({ status: 'rejected', rejection });
  await expect(payInvoice(ledger, invoice)).rejects.toThrow('not paid: insufficient_funds');
  expect(asked).not.toContain('GET /transfers/invoice-7');
});
