import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import type { components, paths } from './api.d.ts';
import { type RetryOptions, type Send, withRetries } from './retry.ts';

/** What is sent and answered, by the names of the OpenAPI document. */
type Schemas = components['schemas'];
export type Transfer = Schemas['Transfer'];
export type CommandStatus = Schemas['CommandStatus'];
export type Problem = Schemas['Problem'];

/** A client of the API: a method per HTTP method, typed by the path. */
export type Client = FetchClient<paths, `${string}/${string}`>;

/** Where the API is, and who asks. */
export interface ClientOptions extends RetryOptions {
  /** The API's, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  /**
   * The token of `Authorization: Bearer`, or what gives one: it is asked before every attempt, so
   * that it may renew the token. Absent: no such header is sent.
   */
  readonly token?: string | (() => string) | undefined;
  /** Sends one request. Default: `fetch`. */
  readonly send?: Send;
}

/**
 * Makes a client of the API. It sends a request again where that is safe and of use, see
 * `retry.ts`: every command has an `Idempotency-Key`, one of its own making where the caller gives
 * none. Such a key lives as long as the call: a caller who may have to repeat a command after a
 * crash gives its own.
 *
 * A call does not throw because of what the API answers: it returns `data` or `error`, with the
 * `response`. It throws where no answer came, in the end.
 * @example
 * const ledger = createClient({ url: 'http://127.0.0.1:3000' });
 * const { data } = await ledger.GET('/accounts/{accountId}', { params: { path: { accountId } } });
 */
export const createClient = ({
  url,
  token,
  send = (request) => fetch(request),
  ...retries
}: ClientOptions): Client => {
  const authorized: Send = (request) => {
    const current = typeof token === 'function' ? token() : token;
    if (current !== undefined) request.headers.set('Authorization', `Bearer ${current}`);
    return send(request);
  };
  const again = withRetries(authorized, retries);
  return createFetchClient<paths>({
    baseUrl: url,
    fetch: (request) => {
      if (request.method === 'POST' && !request.headers.has('Idempotency-Key'))
        request.headers.set('Idempotency-Key', crypto.randomUUID());
      return again(request);
    },
  });
};

/**
 * Why a call was refused: the problem's stable code, or, where the gateway in front of the API
 * answered, which has no codes, what that says.
 * @param error of a call.
 */
export const reasonOf = (error: Problem | Schemas['GatewayMessage']): string =>
  'code' in error ? error.code : error.message;
