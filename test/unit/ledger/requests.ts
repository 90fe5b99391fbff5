import { Command } from '../../../functions/ledger/account.ts';

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

const request = (type: string, fields: object): Command =>
  Command.parse({ type, accountId: 'a1', ...fields });
