import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AccountId, Caller } from '../../events/values.ts';
import { deriveId, IdempotencyKey } from '../../functions/http/request/idempotency.ts';
import { recordKey } from '../../functions/store/writing/record-key.ts';
import { requests } from '../../testing/ledger-requests.ts';
import type { ApiAnswer } from '../setup/api.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';
import { leavePending } from '../setup/leave-pending.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
  await cloud.api.account('a', 100);
  await cloud.api.account('b');
});

afterAll(() => cloud.stop());

const withdraw = (body: unknown, headers?: Record<string, string>) =>
  cloud.api.post('/accounts/a/withdrawals', body, headers);

/**
 * Every line of the contract's table that can be reached before there is identity (401 and 403).
 */
const errors: [status: number, code: string, request: () => Promise<ApiAnswer>, more?: object][] = [
  [
    400,
    'validation_failed',
    () => withdraw({ amount: 0, ammount: 1 }),
    {
      errors: expect.arrayContaining([
        expect.objectContaining({ path: expect.any(String), message: expect.any(String) }),
      ]),
    },
  ],
  [400, 'validation_failed', () => cloud.api.get('/accounts/a?versoin=1')],
  [400, 'validation_failed', () => cloud.api.get('/accounts/no%20id')],
  [400, 'validation_failed', () => withdraw({ amount: 1 }, { 'If-Match': 'seven' })],
  [
    400,
    'validation_failed',
    () => cloud.api.post('/transfers', { from: 'a', to: 'b', amount: 1 }, { Prefer: 'wait=11' }),
  ],
  [400, 'malformed_json', () => withdraw('{"amount": 1')],
  [404, 'account_not_found', () => cloud.api.get('/accounts/nobody')],
  [404, 'version_not_found', () => cloud.api.get('/accounts/a?version=99')],
  [404, 'account_not_found', () => cloud.api.get('/accounts/nobody?version=99')],
  [404, 'account_not_found', () => cloud.api.get('/accounts/a?at=2001-01-01T00:00:00.000Z')],
  [404, 'account_not_found', () => cloud.api.post('/accounts/nobody/deposits', { amount: 1 })],
  [404, 'account_not_found', () => cloud.api.get('/accounts/nobody/entries')],
  [404, 'account_not_found', () => cloud.api.get('/accounts/nobody/transfers')],
  [404, 'transfer_not_found', () => cloud.api.get('/transfers/nothing')],
  [404, 'route_not_found', () => cloud.api.get('/acounts/a')],
  [405, 'method_not_allowed', () => cloud.api.post('/health', {})],
  [405, 'method_not_allowed', () => cloud.api.post('/accounts/a', {})],
  [405, 'method_not_allowed', () => cloud.api.get('/transfers')],
  [
    409,
    'account_already_exists',
    () => cloud.api.post('/accounts', { accountId: 'a', currency: 'EUR' }),
  ],
  [
    412,
    'version_mismatch',
    () => withdraw({ amount: 1 }, { 'If-Match': '"1"' }),
    { currentVersion: 2 },
  ],
  [413, 'body_too_large', () => withdraw({ amount: 1, reference: 'x'.repeat(20_000) })],
  [415, 'unsupported_media_type', () => withdraw('amount=1', { 'content-type': 'text/plain' })],
  [422, 'insufficient_funds', () => withdraw({ amount: 101 }), { available: 100 }],
  [422, 'currency_mismatch', () => withdraw({ amount: 1, currency: 'USD' })],
  [422, 'same_account', () => cloud.api.post('/transfers', { from: 'a', to: 'a', amount: 1 })],
  [
    422,
    'amount_out_of_range',
    () => cloud.api.post('/accounts/a/deposits', { amount: Number.MAX_SAFE_INTEGER }),
  ],
];

describe.each(errors)('%i %s', (status, code, request, more = {}) => {
  it('is answered as a problem, with the correlation id of the request', async () => {
    const answer = await request();
    expect(answer).toMatchObject({ status, body: { code, status, ...more } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-correlation-id')).toMatch(/.+/);
    for (const member of ['type', 'title', 'detail', 'instance'])
      expect(answer.body[member]).toEqual(expect.any(String));
  });
});

it('422 idempotency_key_reused, on another route of the same account as well', async () => {
  const key = { 'Idempotency-Key': 'once' };
  expect(await cloud.api.post('/accounts/b/deposits', { amount: 1 }, key)).toMatchObject({
    status: 201,
  });
  const reused = { status: 422, body: { code: 'idempotency_key_reused' } };
  expect(await cloud.api.post('/accounts/b/deposits', { amount: 2 }, key)).toMatchObject(reused);
  expect(await cloud.api.post('/accounts/b/withdrawals', { amount: 1 }, key)).toMatchObject(reused);
  expect(await cloud.api.post('/transfers', { from: 'b', to: 'a', amount: 1 }, key)).toMatchObject(
    reused,
  );
});

it('a rejection is replayed with the same status and body, even when there is money by now', async () => {
  await cloud.api.account('poor', 1);
  const send = () =>
    cloud.api.post('/accounts/poor/withdrawals', { amount: 5 }, { 'Idempotency-Key': 'k' });
  const first = await send();
  await cloud.api.post('/accounts/poor/deposits', { amount: 50 });
  const again = await send();
  expect(again.status).toBe(422);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

it('422 account_not_open, where an account has been frozen', async () => {
  await cloud.api.account('frozen', 10);
  // No command freezes an account yet: put its last commit's snapshot so.
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
  const TableName = 'holdfast-dev-events';
  const { Items } = await client.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'streamId = :id',
      ExpressionAttributeValues: { ':id': 'frozen' },
      ScanIndexForward: false,
      Limit: 1,
    }),
  );
  const [last] = Items ?? [];
  await client.send(
    new PutCommand({
      TableName,
      Item: { ...last, state: { ...last?.['state'], status: 'frozen' } },
    }),
  );
  client.destroy();
  expect(await cloud.api.post('/accounts/frozen/withdrawals', { amount: 1 })).toMatchObject({
    status: 422,
    body: { code: 'account_not_open' },
  });
});

it('409 command_in_progress, where the same command waits and cannot be decided', async () => {
  const throttled = {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify({ __type: 'ThrottlingException', message: 'slow down' })),
  };
  let found = false;
  const disarm = cloud.intercept(async (call, forward) => {
    if (call.operation !== 'TransactWriteItems') return forward();
    // The first one of the repeat finds the command that waits; from then on, nothing can be
    // decided by anybody.
    if (found || !call.functionName.endsWith('-withdraw')) return throttled;
    found = true;
    return forward();
  });
  // The other files of the worker have the same cloud.
  onTestFinished(disarm);
  const key = deriveId(
    Caller.parse('local'),
    AccountId.parse('a'),
    IdempotencyKey.parse('waiting'),
  );
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
  await leavePending(client, 'holdfast-dev-commands', {
    ...requests.withdraw('a', 1),
    keys: [recordKey(key)],
    actor: Caller.parse('local'),
  });
  client.destroy();
  const answer = await withdraw({ amount: 1 }, { 'Idempotency-Key': 'waiting' });
  expect(found).toBe(true);
  expect(answer).toMatchObject({ status: 409, body: { code: 'command_in_progress' } });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  disarm();
  // Once it can be decided, the same request hears its outcome.
  expect(await withdraw({ amount: 1 }, { 'Idempotency-Key': 'waiting' })).toMatchObject({
    status: 201,
  });
});

describe('while DynamoDB throttles every write', () => {
  let disarm: () => void;
  beforeAll(() => {
    disarm = cloud.intercept(async (call, forward) =>
      ['PutItem', 'TransactWriteItems'].includes(call.operation)
        ? {
            status: 400,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: Buffer.from(
              JSON.stringify({ __type: 'ThrottlingException', message: 'slow down' }),
            ),
          }
        : forward(),
    );
  });
  afterAll(() => disarm());

  it('503 try_again says when, and nothing was done', async () => {
    const answer = await withdraw({ amount: 1 }, { 'Idempotency-Key': 'throttled' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'try_again' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await cloud.api.get('/accounts/a')).body).toMatchObject({ balance: 99, version: 3 });
  });
});
