import { Currency } from '../../../events/values.ts';
import { Command, type Part } from '../../../functions/ledger/account.ts';
import { END } from './facts.ts';

// What is asked of account a1, in a line each; `more` replaces or adds fields. Everything is read
// as from a client.

export const open = (more: object = {}): Command =>
  request('open', { owner: 'alice', currency: 'EUR', overdraftLimit: 0, ...more });

export const deposit = (amount: number, more: object = {}): Command =>
  request('deposit', { amount, ...more });

export const withdraw = (amount: number, more: object = {}): Command =>
  request('withdraw', { amount, ...more });

export const reserve = (transferId: string, amount: number, more: object = {}): Command =>
  request('reserve', { transferId, to: 'b1', amount, ...more });

export const credit = (transferId: string, amount: number, more: object = {}): Command =>
  request('credit', { transferId, from: 'b1', amount, currency: 'EUR', ...more });

export const settle = (transferId: string, more: object = {}): Command =>
  request('settle', { transferId, ...more });

export const release = (transferId: string, reason: string): Command =>
  request('release', { transferId, reason });

export const amend = (more: object): Command => request('amend', more);

export const freeze = (scope: 'debits' | 'all', more: object = {}): Command =>
  request('freeze', { scope, ...more });

export const unfreeze = (more: object = {}): Command => request('unfreeze', more);

export const close = (): Command => request('close', {});

export const hold = (transferId: string, amount: number, more: object = {}): Command =>
  request('hold', { transferId, to: 'b1', amount, expiresAt: END, ...more });

export const capture = (transferId: string, amount?: number, more: object = {}): Command =>
  request('capture', { transferId, amount, ...more });

export const voidHold = (transferId: string): Command => request('void', { transferId });

export const expire = (transferId: string): Command => request('expire', { transferId });

/** Takes back the transfer t0, which paid 100 from b1 into a1. */
export const reverse = (transferId: string, amount?: number, more: object = {}): Command =>
  request('reverse', {
    transferId,
    to: 'b1',
    reverses: { transferId: 't0', amount: 100 },
    amount,
    currency: 'EUR',
    ...more,
  });

/** The leg of the posting p1 that is for a1. */
export const leg = (amount: number, more: object = {}): Extract<Part, { type: 'leg' }> => {
  const post = request('post', { postingId: 'p1', legs: [{ accountId: 'a1', amount }], ...more });
  if (post.type !== 'post') throw new Error('it is a posting');
  const [only] = post.legs;
  if (!only) throw new Error('it has a leg');
  const { postingId, reference } = post;
  return { type: 'leg', postingId, ...only, currency: Currency.parse('EUR'), reference };
};

const request = (type: string, fields: object): Command =>
  Command.parse({ type, accountId: 'a1', ...fields });
