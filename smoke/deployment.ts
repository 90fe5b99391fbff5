import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';

/** An answer of the API. What has no JSON in it has an empty body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A ledger that is deployed somewhere, as a client sees it. */
export interface Deployment {
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Asks until what is asked for is there, or the time is up. @returns the last answer. */
  getUntil(path: string, isThere: (answer: Answer) => boolean): Promise<Answer>;
}

/** Longer than an HTTP API waits for a function. In milliseconds. */
const ANSWER_WITHIN_MS = 35_000;

/**
 * The views follow within a second; a transfer that has to be recovered takes more than a minute.
 * In milliseconds.
 */
const THERE_WITHIN_MS = 30_000;

const Body = z.record(z.string(), z.unknown());

/**
 * @param url of the API, with or without a slash at its end.
 * @param token of an operator; absent: the ledger takes none.
 */
export const deploymentAt = (url: string, token: string | undefined): Deployment => {
  const base = url.replace(/\/+$/, '');
  const call = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: bodyOf(await response.text()),
    };
  };
  return {
    get: (path) => call(path),
    post: (path, body, headers) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    getUntil: async (path, isThere) => {
      const deadline = performance.now() + THERE_WITHIN_MS;
      for (;;) {
        const answer = await call(path);
        if (isThere(answer) || performance.now() >= deadline) return answer;
        await sleep(200);
      }
    },
  };
};

const bodyOf = (text: string): Answer['body'] => {
  try {
    return Body.parse(JSON.parse(text));
  } catch {
    return {};
  }
};
