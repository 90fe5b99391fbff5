import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Interceptor } from '../../local-cloud/endpoint.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';

/** Stands in everything that a client writes or owns, and must stand in no line of a log. */
const CANARY = 'canary-7d1f';
/** An amount that is no part of any other number. */
const AMOUNT = 86_753_091;

const headers = {
  cookie: `session=${CANARY}`,
  'x-anything': CANARY,
};

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await joinTestCloud();
  await cloud.api.account('a1', AMOUNT * 3);
  await cloud.api.account('b1');
});
afterAll(() => cloud.stop());

const transfer = (transferId: string) => ({
  ...{ transferId, from: 'a1', to: 'b1', amount: AMOUNT, reference: CANARY },
});

const noTrace = () => {
  const told = [...cloud.logs.lines, ...cloud.warnings].filter(
    (line) =>
      line.includes(CANARY) || line.includes(String(AMOUNT)) || line.includes(cloud.showing),
  );
  expect(told).toEqual([]);
};

/** Answers in DynamoDB's place what is asked about a name. */
const answering =
  (name: string, status: number, body: string): Interceptor =>
  async (call, forward) =>
    call.service === 'dynamodb' && call.body.includes(name)
      ? {
          status,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: Buffer.from(body),
        }
      : forward();

it('a token that is refused leaves nothing of its own', async () => {
  const authorization = `Bearer eyJhbGciOiJub25lIn0.${CANARY}.`;
  const answer = await cloud.api.get('/accounts/a1', { ...headers, authorization });
  expect(answer.status).toBe(401);
  noTrace();
});

it('what a bank is told leaves nothing of its own in the logs', async () => {
  const operator = await cloud.as('operator', 'ledger:operate');
  const said = { name: CANARY, metadata: { [CANARY]: CANARY } };
  await operator.account('told-1', AMOUNT, said);
  await operator.account('told-2');
  const held = { from: 'told-1', to: 'told-2', amount: 1, reference: CANARY, hold: {} };
  const { body } = await operator.post('/transfers', { ...held, metadata: said.metadata }, headers);
  for (const [path, sent] of [
    [`/transfers/${body['transferId']}/capture`, {}],
    [`/transfers/${body['transferId']}/void`, {}],
    [`/transfers/${body['transferId']}/reversal`, { reference: CANARY }],
    ['/accounts/told-1/freeze', { scope: 'debits', reason: CANARY }],
    ['/accounts/told-1/unfreeze', { reason: CANARY }],
    [
      '/postings',
      {
        legs: [
          { accountId: 'told-1', amount: -1 },
          { accountId: 'told-2', amount: 1 },
        ],
        reference: CANARY,
        metadata: said.metadata,
      },
    ],
    ['/bulk', { items: [{ type: 'deposit', accountId: 'told-1', amount: 1, key: CANARY }] }],
  ] as const)
    expect((await operator.post(path, sent, headers)).status).toBeLessThan(500);
  await operator.patch('/accounts/told-1', { name: `${CANARY}2` });
  await operator.get(`/accounts/told-1/transfers?reference=${CANARY}`);
  noTrace();
});

it('requests that are answered leave nothing of theirs in the logs', async () => {
  const before = cloud.logs.lines.length;
  const { api } = cloud;
  await api.post('/accounts/a1/deposits', { amount: AMOUNT, reference: CANARY }, headers);
  const { ended } = await api.transfer(transfer('t1'), headers);
  expect(ended.body['reference']).toBe(CANARY);
  await api.get('/accounts/a1/entries', headers);
  await api.get('/accounts/b1/transfers', headers);

  expect(cloud.logs.lines.length).toBeGreaterThan(before + 4);
  noTrace();
});

it.each<[string, string, unknown, Record<string, string>]>([
  ['a body that is no JSON', '/transfers', `{"reference": ${CANARY}`, {}],
  ['an amount that is none', '/transfers', { ...transfer('t2'), amount: CANARY }, {}],
  ['a field that there is not', '/accounts', { accountId: 'c1', [CANARY]: CANARY }, {}],
  ['a reference that is too long', '/transfers', { reference: CANARY.repeat(99) }, {}],
  ['a key that is taken', '/transfers', { ...transfer('t1'), reference: `${CANARY}2` }, {}],
  ['more than there is', '/accounts/b1/withdrawals', { amount: AMOUNT * 9 }, {}],
  ['a precondition', '/accounts/a1/deposits', { amount: AMOUNT }, { 'if-match': `"${CANARY}"` }],
  ['a path that there is not', `/${CANARY}`, {}, {}],
  ['an id that is none', `/accounts/${CANARY}%20/deposits`, { amount: AMOUNT }, {}],
  ['a query that there is not', `/accounts?${CANARY}=${CANARY}`, {}, {}],
])('a request that is refused for %s leaves nothing of its own', async (_, path, body, more) => {
  const answer = await cloud.api.post(path, body, { ...headers, ...more });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  noTrace();
});

it.each([
  ['refuses what it cannot read', 400, 'com.amazonaws.dynamodb.v20120810#ValidationException'],
  ['denies', 400, 'com.amazonaws.dynamodb.v20120810#AccessDeniedException'],
])(
  'a request for which DynamoDB %s leaves nothing of its own, and the error is told',
  async (what, status, __type) => {
    const before = cloud.logs.lines.length;
    const reasons = [{ Code: 'ValidationError', Item: { reference: { S: CANARY } } }];
    const disarm = cloud.intercept(
      answering(
        'stopped',
        status,
        JSON.stringify({ __type, message: 'no', CancellationReasons: reasons }),
      ),
    );
    onTestFinished(disarm);
    const body = { amount: AMOUNT, reference: CANARY };
    const answer = await cloud.api.post('/accounts/stopped/deposits', body, headers);
    disarm();

    expect(answer.status, what).toBeGreaterThanOrEqual(500);
    const own = cloud.logs.lines.slice(before).join('\n');
    expect(own).toContain(__type.split('#')[1]);
    noTrace();
  },
);

it('a commit that cannot be read leaves nothing of what is in it', async () => {
  const item = { streamId: { S: 'damaged' }, version: { N: '1' }, events: { S: CANARY } };
  const answer = { Items: [item], Count: 1, ConsumedCapacity: { CapacityUnits: 1 } };
  const disarm = cloud.intercept(answering('damaged', 200, JSON.stringify(answer)));
  onTestFinished(disarm);
  const { status } = await cloud.api.get('/accounts/damaged', headers);
  expect(status).toBe(500);
  expect(cloud.logs.lines.join('\n')).toContain('not a commit: ');
  noTrace();
});

it('a step that fails leaves nothing of its transfer, neither in the log nor with the execution', async () => {
  const credit = cloud.function('credit-transfer');
  const input = { ...transfer('t9'), currency: 'EUR', correlationId: 'c9', actor: 'local' };
  const before = cloud.logs.lines.length;
  const failed = await credit.invoke(input);
  const unreadable = await credit.invoke({ ...input, amount: CANARY });

  expect(failed).toMatchObject({ ok: false, errorType: 'ReservationMissing' });
  expect(unreadable).toMatchObject({ ok: false, errorType: 'Error' });
  expect(JSON.stringify([failed, unreadable])).not.toContain(CANARY);
  await eventually(() => expect(cloud.logs.lines.length).toBeGreaterThan(before + 4));
  noTrace();
});
