// The code of docs/client.md. A test compares the two and runs this.
import { type Client, createClient, reasonOf, type Transfer } from './client.ts';
import { commandEnd, transferEnd } from './wait.ts';

/** A client whose token is renewed by whoever keeps it. */
export const connect = (url: string, currentToken: () => string): Client =>
  createClient({ url, token: currentToken });

/** What is to be paid. */
export interface Invoice {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly cents: number;
}

export const payInvoice = async (ledger: Client, invoice: Invoice): Promise<Transfer> => {
  const transferId = `invoice-${invoice.id}`;
  const { data, error } = await ledger.POST('/transfers', {
    params: { header: { Prefer: 'wait=5' } },
    body: { transferId, from: invoice.payer, to: invoice.payee, amount: invoice.cents },
  });
  if (error) throw new Error(`not paid: ${reasonOf(error)}`);
  const patience = AbortSignal.timeout(60_000);
  if ('commandId' in data) {
    const command = await commandEnd(ledger, data, patience);
    if (command.status !== 'accepted') throw new Error(`not paid: ${command.rejection?.code}`);
  }
  return transferEnd(ledger, transferId, patience);
};

export const payOutAll = async (ledger: Client, accountId: string): Promise<number> => {
  for (;;) {
    const read = await ledger.GET('/accounts/{accountId}', { params: { path: { accountId } } });
    if (read.error) throw new Error(`not read: ${reasonOf(read.error)}`);
    const amount = read.data.available;
    if (amount <= 0) return 0;
    const { response, error } = await ledger.POST('/accounts/{accountId}/withdrawals', {
      params: {
        path: { accountId },
        header: { 'If-Match': `"${read.data.version}"` },
      },
      body: { amount },
    });
    if (!error) return amount;
    if (response.status !== 412) throw new Error(`not paid out: ${reasonOf(error)}`);
  }
};
