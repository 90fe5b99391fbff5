import { expect } from 'vitest';
import * as z from 'zod/mini';
import type { Transfers } from '../../infra/stages.ts';
import { bearer } from '../../testing/bearer.ts';
import { eventually } from './eventually.ts';

/** A body as a client sees it: the fields are looked at one by one, or compared whole. */
const Body = z.record(z.string(), z.unknown());

/** An answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: z.infer<typeof Body>;
}

/** The API as a client sees it. */
export interface Api {
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** @param body JSON; a string is sent as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Opens an account, with money in it. */
  account(accountId: string, balance?: number, more?: Record<string, unknown>): Promise<void>;
  /**
   * Asks for a transfer, and waits until it has ended.
   * @returns its first answer, and the way that it says the transfer goes.
   */
  transfer(
    body: { readonly transferId: string } & Readonly<Record<string, unknown>>,
    headers?: Record<string, string>,
  ): Promise<{ readonly answer: ApiAnswer; readonly way: Way; readonly ended: ApiAnswer }>;
  /** Waits until a transfer has ended; fails after `deadline` milliseconds. */
  ended(transferId: string, deadline?: number): Promise<ApiAnswer>;
}

/**
 * How a transfer goes. `short`: both accounts in one transaction, and it is settled when it is
 * answered. `long`: reserved on its source, then carried out.
 */
export type Way = 'short' | 'long';

/** The ways that a transfer between two quiet accounts may go with a setting. */
export const waysWith = (transfers: Transfers): readonly Way[] =>
  transfers === 'adaptive' ? ['short'] : ['long'];

/**
 * @param url of the API, without a slash at its end.
 * @param token sent with every request; absent: none is.
 */
export const apiAt = (url: string, token?: string): Api => {
  const authorization = bearer(token);
  const call = async (path: string, init: RequestInit): Promise<ApiAnswer> => {
    const headers = { ...authorization, ...Object.fromEntries(new Headers(init.headers)) };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    return {
      status: response.status,
      headers: response.headers,
      body: Body.parse(await response.json()),
    };
  };
  const api: Api = {
    get: (path, headers = {}) => call(path, { headers }),
    post: (path, body, headers = {}) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    account: async (accountId, balance = 0, more = {}) => {
      const opened = await api.post('/accounts', { accountId, currency: 'EUR', ...more });
      expect(opened).toMatchObject({ status: 201 });
      if (balance === 0) return;
      expect(await api.post(`/accounts/${accountId}/deposits`, { amount: balance })).toMatchObject({
        status: 201,
      });
    },
    transfer: async (body, headers) => {
      const answer = await api.post('/transfers', body, headers);
      expect(answer).toMatchObject({ status: 202, body });
      expect(['reserved', 'settled']).toContain(answer.body['status']);
      const way = answer.body['status'] === 'settled' ? 'short' : 'long';
      return { answer, way, ended: await api.ended(body.transferId) };
    },
    ended: (transferId, deadline = 30_000) =>
      eventually(async () => {
        const answer = await api.get(`/transfers/${transferId}`);
        expect(['settled', 'released']).toContain(answer.body['status']);
        return answer;
      }, deadline),
  };
  return api;
};
