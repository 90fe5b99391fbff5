import { describe, expect, it } from 'vitest';
import { createClient } from '../../../client/client.ts';
import type { RetryOptions } from '../../../client/retry.ts';

/** One answer after the other, and what was sent for each. */
const answering = (
  answers: readonly (() => Response)[],
  options: RetryOptions & { token?: string | (() => string) } = {},
) => {
  const sent: { url: string; key: string | null; token: string | null; body: string }[] = [];
  const pauses: number[] = [];
  const client = createClient({
    url: 'http://ledger.test',
    random: () => 0.5,
    pause: async (milliseconds, signal) => {
      signal.throwIfAborted();
      pauses.push(milliseconds);
    },
    ...options,
    send: async (request) => {
      sent.push({
        url: request.url,
        key: request.headers.get('Idempotency-Key'),
        token: request.headers.get('Authorization'),
        body: await request.text(),
      });
      const answer = answers[sent.length - 1];
      if (!answer) throw new Error('nobody expected that');
      return answer();
    },
  });
  return { client, sent, pauses };
};

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  () =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...headers },
    });
const problem = (status: number, code: string, headers?: Record<string, string>) =>
  json(status, { code }, { 'content-type': 'application/problem+json', ...headers });
const lost = () => {
  throw new TypeError('fetch failed');
};
const halfAnAnswer = () =>
  new Response('{"transfer', { headers: { 'content-type': 'application/json' } });
const done = json(201, { entryId: 'e1' });

const deposit = { params: { path: { accountId: 'a1' } }, body: { amount: 1 } };
const path = '/accounts/{accountId}/deposits';

describe('a command', () => {
  it.each([
    ['a lost connection', lost],
    ['half an answer', halfAnAnswer],
    ['500', json(500, { message: 'Internal Server Error' })],
    ['503', problem(503, 'try_again')],
    ['429', json(429, { message: 'Too Many Requests' })],
    ['409 that says when', problem(409, 'command_in_progress', { 'retry-after': '1' })],
  ])('is sent again after %s: the same body under the same key', async (_, first) => {
    const { client, sent } = answering([first, done]);
    expect(await client.POST(path, deposit)).toMatchObject({ data: { entryId: 'e1' } });
    expect(sent).toHaveLength(2);
    expect(sent[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[0]?.body).toBe('{"amount":1}');
  });

  it.each([
    ['400', problem(400, 'validation_failed')],
    ['404', problem(404, 'account_not_found')],
    ['409 of a taken id', problem(409, 'account_already_exists')],
    ['412', problem(412, 'version_mismatch')],
    ['422', problem(422, 'insufficient_funds')],
  ])('is not sent again after %s, which is its answer', async (_, answer) => {
    const { client, sent } = answering([answer]);
    const { error, response } = await client.POST(path, deposit);
    expect(error).toEqual(await answer().json());
    expect(response.status).toBe(answer().status);
    expect(sent).toHaveLength(1);
  });

  it('is not sent again when it is pending', async () => {
    const pending = { accountId: 'a1', commandId: 'c1', status: 'pending' };
    const { client, sent } = answering([json(202, pending, { 'retry-after': '1' })]);
    expect((await client.POST(path, deposit)).data).toEqual(pending);
    expect(sent).toHaveLength(1);
  });

  it('keeps the key that the caller gives it; each call without one has its own', async () => {
    const { client, sent } = answering([done, done, done]);
    const params = { path: { accountId: 'a1' }, header: { 'Idempotency-Key': 'rent' } };
    await client.POST(path, { ...deposit, params });
    await client.POST(path, deposit);
    await client.POST(path, deposit);
    expect(sent[0]?.key).toBe('rent');
    expect(new Set(sent.map(({ key }) => key)).size).toBe(3);
  });

  it('is given up after the attempts that were asked for, with the last answer or error', async () => {
    const busy = problem(503, 'try_again');
    const refused = answering([busy, busy, busy], { attempts: 3 });
    expect((await refused.client.POST(path, deposit)).response.status).toBe(503);
    expect(refused.sent).toHaveLength(3);
    const alone = answering([lost, lost], { attempts: 2 });
    await expect(alone.client.POST(path, deposit)).rejects.toThrow('fetch failed');
  });

  it('waits a random part of a pause that doubles, after what Retry-After asks for', async () => {
    const after = (seconds: string) => problem(503, 'try_again', { 'retry-after': seconds });
    const { client, pauses } = answering([lost, lost, after('2'), lost, done]);
    await client.POST(path, deposit);
    expect(pauses).toEqual([50, 100, 2_200, 400]);
  });

  it('is not sent again once its caller has aborted it', async () => {
    const abort = new AbortController();
    const { client, sent } = answering([
      () => {
        abort.abort(new Error('enough'));
        throw new TypeError('fetch failed');
      },
    ]);
    const call = client.POST(path, { ...deposit, signal: abort.signal });
    await expect(call).rejects.toThrow();
    expect(sent).toHaveLength(1);
  });
});

describe('the token', () => {
  it('is sent where there is one, and asked for before every attempt', async () => {
    let made = 0;
    const { client, sent } = answering([lost, done], {
      token: () => {
        made += 1;
        return `t${made}`;
      },
    });
    await client.POST(path, deposit);
    expect(sent.map(({ token }) => token)).toEqual(['Bearer t1', 'Bearer t2']);
    const without = answering([done]);
    await without.client.POST(path, deposit);
    expect(without.sent[0]?.token).toBeNull();
  });
});

it('a read is sent again too, and has no key', async () => {
  const { client, sent } = answering([lost, json(200, { accountId: 'a/1' })]);
  const { data } = await client.GET('/accounts/{accountId}', {
    params: { path: { accountId: 'a/1' } },
  });
  expect(data).toEqual({ accountId: 'a/1' });
  expect(sent.map(({ url, key }) => [url, key])).toEqual(
    Array.from({ length: 2 }, () => ['http://ledger.test/accounts/a%2F1', null]),
  );
});
