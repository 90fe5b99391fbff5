import { expect } from 'vitest';
import * as z from 'zod/mini';
import { createClient } from '../../client/client.ts';
import { transferEnd } from '../../client/wait.ts';
import document from '../../functions/queries/openapi.json' with { type: 'json' };
import { createCheck } from '../../fuzz/check.ts';
import type { Transfers } from '../../infra/stages.ts';
import { bearer } from '../../testing/bearer.ts';

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
  /** @param body JSON; a string is sent as it is. */
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
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

const check = createCheck(document);

/** Holds an answer to the OpenAPI document: no test hears one that is not as it says. */
const holdToDocument = async (method: string, target: string, response: Response) => {
  // The local cloud's own paths are no part of the API.
  if (target.startsWith('/_local')) return;
  const { status, headers } = response;
  const text = await response.clone().text();
  const answer = { status, headers: Object.fromEntries(headers), text };
  const wrong = check.violations({ method, target, headers: [] }, answer);
  expect(wrong, `${method} ${target} is answered ${status} ${text}`).toEqual([]);
};

/**
 * @param url of the API, without a slash at its end.
 * @param token sent with every request; absent: none is.
 * @param sent told of each request that has a body, before it is sent.
 */
export const apiAt = (
  url: string,
  token?: string,
  sent: (body: string, headers: Readonly<Record<string, string>>) => void = () => {},
): Api => {
  const send = async (request: Request): Promise<Response> => {
    sent(await request.clone().text(), {});
    const response = await fetch(request);
    await holdToDocument(request.method, request.url.slice(url.length), response);
    return response;
  };
  const authorization = bearer(token);
  const client = createClient({ url, send, ...(token === undefined ? {} : { token }) });
  const call = async (path: string, init: RequestInit): Promise<ApiAnswer> => {
    const headers = new Headers({
      ...authorization,
      ...Object.fromEntries(new Headers(init.headers)),
    });
    // The operator's own surface takes no request without it.
    if (path.startsWith('/_local')) headers.set('sec-local', 'yes');
    const response = await fetch(`${url}${path}`, { ...init, headers });
    await holdToDocument(init.method ?? 'GET', path, response);
    return {
      status: response.status,
      headers: response.headers,
      body: Body.parse(await response.json()),
    };
  };
  const api: Api = {
    get: (path, headers = {}) => {
      sent('', headers);
      return call(path, { headers });
    },
    post: (path, body, headers = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      sent(text, headers);
      return call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: text,
      });
    },
    patch: (path, body, headers = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      sent(text, headers);
      return call(path, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', ...headers },
        body: text,
      });
    },
    account: async (accountId, balance = 0, more = {}) => {
      const opened = await client.POST('/accounts', {
        body: { accountId, currency: 'EUR', overdraftLimit: 0, ...more },
      });
      expect(opened).toMatchObject({ response: { status: 201 } });
      if (balance === 0) return;
      const funded = await client.POST('/accounts/{accountId}/deposits', {
        params: { path: { accountId } },
        body: { amount: balance },
      });
      expect(funded).toMatchObject({ response: { status: 201 } });
    },
    transfer: async (body, headers) => {
      const answer = await api.post('/transfers', body, headers);
      expect(answer).toMatchObject({ status: 202, body });
      expect(['reserved', 'settled']).toContain(answer.body['status']);
      const way = answer.body['status'] === 'settled' ? 'short' : 'long';
      return { answer, way, ended: await api.ended(body.transferId) };
    },
    ended: async (transferId, deadline = 30_000) => {
      await transferEnd(client, transferId, AbortSignal.timeout(deadline));
      return api.get(`/transfers/${transferId}`);
    },
  };
  return api;
};
