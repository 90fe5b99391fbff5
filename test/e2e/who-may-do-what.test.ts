import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccountId, Caller } from '../../events/values.ts';
import { deriveId, IdempotencyKey } from '../../functions/http/request/idempotency.ts';
import { type HttpRoute, httpRoutes, partsOf } from '../../infra/constructs/catalogue.ts';
import { bearer } from '../../testing/bearer.ts';
import { startTestCloud, type TestCloud } from '../setup/cloud.ts';

// Alice has `alices-1` and Bob `bobs-1`; `nobodys` is not there; transfer
// `rent-1` goes from Alice's to Bob's.

/** Every caller: whom the token names, and its scopes; `undefined`: there is no token. */
const callers = {
  none: undefined,
  forger: undefined,
  stranger: ['mallory', 'ledger:read ledger:write'],
  owner: ['alice', 'ledger:read ledger:write'],
  reader: ['alice', 'ledger:read'],
  writer: ['alice', 'ledger:write'],
  depositor: ['teller', 'ledger:deposit'],
  other: ['bob', 'ledger:read ledger:write'],
  operator: ['root', 'ledger:operate'],
} as const satisfies Record<string, readonly [sub: string, scope: string] | undefined>;
type CallerName = keyof typeof callers;
const names: readonly CallerName[] = [
  'none',
  'forger',
  'stranger',
  'owner',
  'reader',
  'writer',
  'depositor',
  'other',
  'operator',
];

/** What one request is answered, by caller, in the order of `callers`. */
interface Row {
  readonly asks: string;
  readonly path?: string;
  readonly body?: (n: number) => object;
  readonly answers: readonly number[];
}

const amount = () => ({ amount: 1 });
const own = [401, 401, 404, 200, 200, 403, 403, 404, 200];
const missing = [401, 401, 404, 404, 404, 403, 403, 404, 404];
const open = [200, 200, 200, 200, 200, 200, 200, 200, 200];
const key = IdempotencyKey.parse('kept');
const commandId = deriveId(Caller.parse('alice'), AccountId.parse('alices-1'), key);

/** Every route, and who is answered what on it. A GET is asked with HEAD as well. */
const matrix: Readonly<Record<HttpRoute, readonly Row[]>> = {
  'POST /accounts': [
    {
      asks: 'one of the caller’s own',
      body: () => ({ currency: 'EUR' }),
      answers: [401, 401, 201, 201, 403, 201, 403, 201, 201],
    },
    {
      asks: 'one that may be overdrawn',
      body: () => ({ currency: 'EUR', overdraftLimit: 1 }),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 201],
    },
    {
      asks: 'one for somebody else',
      body: () => ({ currency: 'EUR', owner: 'carol' }),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 201],
    },
    {
      asks: 'one that is there',
      body: () => ({ accountId: 'alices-1', currency: 'EUR' }),
      answers: [401, 401, 409, 409, 403, 409, 403, 409, 409],
    },
  ],
  'GET /accounts/{accountId}': [
    { asks: 'Alice’s', path: '/accounts/alices-1', answers: own },
    { asks: 'Alice’s at a version', path: '/accounts/alices-1?version=1', answers: own },
    {
      asks: 'Alice’s at a version to come',
      path: '/accounts/alices-1?version=999',
      answers: [401, 401, 404, 404, 404, 403, 403, 404, 404],
    },
    { asks: 'Alice’s at a time', path: '/accounts/alices-1?at=2100-01-01T00:00:00Z', answers: own },
    { asks: 'nobody’s', path: '/accounts/nobodys', answers: missing },
  ],
  'GET /accounts/{accountId}/entries': [
    { asks: 'Alice’s', path: '/accounts/alices-1/entries', answers: own },
    { asks: 'nobody’s', path: '/accounts/nobodys/entries', answers: missing },
  ],
  'GET /accounts/{accountId}/transfers': [
    { asks: 'Alice’s', path: '/accounts/alices-1/transfers', answers: own },
    { asks: 'nobody’s', path: '/accounts/nobodys/transfers', answers: missing },
  ],
  'GET /accounts/{accountId}/commands/{commandId}': [
    { asks: 'of Alice’s', path: `/accounts/alices-1/commands/${commandId}`, answers: own },
    {
      asks: 'of Alice’s that is not there',
      path: '/accounts/alices-1/commands/none',
      answers: missing,
    },
    {
      asks: 'of Alice’s by Bob’s account',
      path: `/accounts/bobs-1/commands/${commandId}`,
      answers: missing,
    },
    { asks: 'of nobody’s', path: `/accounts/nobodys/commands/${commandId}`, answers: missing },
  ],
  'POST /accounts/{accountId}/deposits': [
    {
      asks: 'Alice’s',
      path: '/accounts/alices-1/deposits',
      body: amount,
      answers: [401, 401, 403, 403, 403, 403, 201, 403, 201],
    },
    {
      asks: 'nobody’s',
      path: '/accounts/nobodys/deposits',
      body: amount,
      answers: [401, 401, 403, 403, 403, 403, 404, 403, 404],
    },
  ],
  'POST /accounts/{accountId}/withdrawals': [
    {
      asks: 'Alice’s',
      path: '/accounts/alices-1/withdrawals',
      body: amount,
      answers: [401, 401, 404, 201, 403, 201, 403, 404, 201],
    },
    {
      asks: 'nobody’s',
      path: '/accounts/nobodys/withdrawals',
      body: amount,
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'POST /transfers': [
    {
      asks: 'from Alice to Bob',
      body: () => ({ from: 'alices-1', to: 'bobs-1', amount: 1 }),
      answers: [401, 401, 404, 202, 403, 202, 403, 404, 202],
    },
    {
      asks: 'from Bob to Alice',
      body: () => ({ from: 'bobs-1', to: 'alices-1', amount: 1 }),
      answers: [401, 401, 404, 404, 403, 404, 403, 202, 202],
    },
    {
      asks: 'from nobody',
      body: () => ({ from: 'nobodys', to: 'bobs-1', amount: 1 }),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
    {
      asks: 'from Alice to nobody',
      body: () => ({ from: 'alices-1', to: 'nobodys', amount: 1 }),
      answers: [401, 401, 404, 202, 403, 202, 403, 404, 202],
    },
    {
      asks: 'from Alice, by the id of another',
      body: () => ({ transferId: 'rent-1', from: 'alices-1', to: 'bobs-1', amount: 2 }),
      answers: [401, 401, 404, 422, 403, 422, 403, 404, 422],
    },
  ],
  'GET /transfers/{transferId}': [
    {
      asks: 'from Alice to Bob',
      path: '/transfers/rent-1',
      answers: [401, 401, 404, 200, 200, 403, 403, 200, 200],
    },
    { asks: 'one that is not there', path: '/transfers/none', answers: missing },
  ],
  'GET /accounts': [
    { asks: 'their own', answers: [401, 401, 200, 200, 200, 403, 403, 200, 200] },
    {
      asks: 'Alice’s',
      path: '/accounts?owner=alice',
      answers: [401, 401, 403, 200, 200, 403, 403, 403, 200],
    },
  ],
  'PATCH /accounts/{accountId}': [
    {
      asks: 'the name of Alice’s',
      path: '/accounts/alices-1',
      body: () => ({ name: 'Household' }),
      answers: [401, 401, 404, 200, 403, 200, 403, 404, 200],
    },
    {
      asks: 'the overdraft of Alice’s',
      path: '/accounts/alices-1',
      body: () => ({ overdraftLimit: 0 }),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 200],
    },
    {
      asks: 'the name of nobody’s',
      path: '/accounts/nobodys',
      body: () => ({ name: 'Household' }),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'POST /accounts/{accountId}/freeze': [
    {
      asks: 'Alice’s second',
      path: '/accounts/alices-2/freeze',
      body: () => ({ scope: 'all' }),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 200],
    },
    {
      asks: 'nobody’s',
      path: '/accounts/nobodys/freeze',
      body: () => ({ scope: 'all' }),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 404],
    },
  ],
  'POST /accounts/{accountId}/unfreeze': [
    {
      asks: 'Alice’s second',
      path: '/accounts/alices-2/unfreeze',
      body: () => ({}),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 200],
    },
    {
      asks: 'nobody’s',
      path: '/accounts/nobodys/unfreeze',
      body: () => ({}),
      answers: [401, 401, 403, 403, 403, 403, 403, 403, 404],
    },
  ],
  'POST /accounts/{accountId}/close': [
    {
      asks: 'Alice’s empty one',
      path: '/accounts/alices-3/close',
      body: () => ({}),
      answers: [401, 401, 404, 200, 403, 200, 403, 404, 200],
    },
    {
      asks: 'nobody’s',
      path: '/accounts/nobodys/close',
      body: () => ({}),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'GET /accounts/{accountId}/statement': [
    { asks: 'Alice’s', path: '/accounts/alices-1/statement', answers: own },
    { asks: 'nobody’s', path: '/accounts/nobodys/statement', answers: missing },
  ],
  'POST /transfers/{transferId}/capture': [
    {
      asks: 'what Alice holds for Bob, after whom it is captured',
      path: '/transfers/held-1/capture',
      body: () => ({}),
      answers: [401, 401, 404, 202, 403, 422, 403, 404, 422],
    },
    {
      asks: 'one that is not there',
      path: '/transfers/none/capture',
      body: () => ({}),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'POST /transfers/{transferId}/void': [
    {
      asks: 'what Alice holds for Bob, after whom it is voided',
      path: '/transfers/held-2/void',
      body: () => ({}),
      answers: [401, 401, 404, 200, 403, 422, 403, 404, 422],
    },
    {
      asks: 'one that is not there',
      path: '/transfers/none/void',
      body: () => ({}),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'POST /transfers/{transferId}/reversal': [
    {
      asks: 'of what Alice has paid to Bob, which Bob may take back',
      path: '/transfers/rent-1/reversal',
      body: () => ({ amount: 1 }),
      answers: [401, 401, 404, 404, 403, 404, 403, 202, 202],
    },
    {
      asks: 'of one that is not there',
      path: '/transfers/none/reversal',
      body: () => ({ amount: 1 }),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 404],
    },
  ],
  'POST /postings': [
    {
      asks: 'from Alice to Bob',
      body: () => ({
        legs: [
          { accountId: 'alices-1', amount: -1 },
          { accountId: 'bobs-1', amount: 1 },
        ],
      }),
      answers: [401, 401, 404, 201, 403, 201, 403, 404, 201],
    },
    {
      asks: 'from Alice and Bob',
      body: () => ({
        legs: [
          { accountId: 'alices-1', amount: -1 },
          { accountId: 'bobs-1', amount: -1 },
          { accountId: 'alices-4', amount: 2 },
        ],
      }),
      answers: [401, 401, 404, 404, 403, 404, 403, 404, 201],
    },
  ],
  'GET /postings/{postingId}': [
    {
      asks: 'from Alice to Bob',
      path: '/postings/post-1',
      answers: [401, 401, 404, 200, 200, 403, 403, 200, 200],
    },
    { asks: 'one that is not there', path: '/postings/none', answers: missing },
  ],
  'POST /bulk': [
    {
      asks: 'anything: each item is answered by itself',
      body: () => ({ items: [{ type: 'withdrawal', accountId: 'alices-1', amount: 1 }] }),
      answers: [401, 401, 200, 200, 403, 200, 200, 200, 200],
    },
  ],
  'GET /health': [{ asks: 'it', answers: open }],
  'GET /openapi.json': [{ asks: 'it', answers: open }],
  'GET /docs': [{ asks: 'it', answers: open }],
};

let cloud: TestCloud;
let tokens: Readonly<Record<CallerName, string | undefined>>;

beforeAll(async () => {
  cloud = await startTestCloud();
  const tokenOf = async (name: CallerName): Promise<[CallerName, string | undefined]> => {
    const [sub, scope] = callers[name] ?? [];
    return [name, sub && scope && (await cloud.token({ sub, scope }))];
  };
  const made = new Map(await Promise.all(names.map(tokenOf)));
  // One bit of the operator's own token is another.
  const [head, payload, signature = ''] = String(made.get('operator')).split('.');
  const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  tokens = {
    none: undefined,
    forger: [head, payload, other].join('.'),
    stranger: made.get('stranger'),
    owner: made.get('owner'),
    reader: made.get('reader'),
    writer: made.get('writer'),
    depositor: made.get('depositor'),
    other: made.get('other'),
    operator: made.get('operator'),
  };
  const operator = await cloud.as('root', 'ledger:operate');
  const alice = await cloud.as('alice', 'ledger:read ledger:write');
  await operator.account('alices-1', 10_000, { owner: 'alice' });
  await operator.account('bobs-1', 10_000, { owner: 'bob' });
  await alice.transfer({ transferId: 'rent-1', from: 'alices-1', to: 'bobs-1', amount: 10 });
  for (const id of ['alices-2', 'alices-3', 'alices-4'])
    await operator.account(id, 0, { owner: 'alice' });
  for (const transferId of ['held-1', 'held-2']) {
    const held = { transferId, from: 'alices-1', to: 'bobs-1', amount: 5, hold: {} };
    expect(await alice.post('/transfers', held)).toMatchObject({ status: 202 });
  }
  const legs = [
    { accountId: 'alices-1', amount: -1 },
    { accountId: 'bobs-1', amount: 1 },
  ];
  expect(await alice.post('/postings', { postingId: 'post-1', legs })).toMatchObject({
    status: 201,
  });
  const withdrawn = await alice.post(
    '/accounts/alices-1/withdrawals',
    { amount: 1 },
    { 'Idempotency-Key': key },
  );
  expect(withdrawn.status).toBe(201);
});

afterAll(() => cloud.stop());

const ask = async (
  name: CallerName,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${cloud.url}${path}`, {
    method,
    headers: {
      ...bearer(tokens[name]),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
};

const cells = Object.entries(matrix).flatMap(([route, rows]) => {
  const [method = '', path = ''] = route.split(' ');
  const methods = method === 'GET' ? ['GET', 'HEAD'] : [method];
  return rows.flatMap((row) =>
    methods.flatMap((verb) =>
      names.map((name, index) => ({
        name,
        verb,
        path: row.path ?? path,
        row,
        status: row.answers[index],
      })),
    ),
  );
});

it('has every route of the catalogue, and a cell for every caller', () => {
  expect(Object.keys(matrix).toSorted()).toEqual([...httpRoutes.keys()].toSorted());
  for (const rows of Object.values(matrix))
    for (const { answers } of rows) expect(answers).toHaveLength(names.length);
});

describe.each(cells)('$name asks $verb $path: $row.asks', ({ name, verb, path, row, status }) => {
  it(`and is answered ${status}`, async () => {
    const answer = await ask(name, verb, path, row.body?.(0));
    expect(answer.status).toBe(status);
    const type = answer.headers.get('content-type');
    if (status === 401) {
      const challenge = name === 'none' ? /^Bearer$/ : /^Bearer scope="" error="invalid_token"/;
      expect(answer.headers.get('www-authenticate')).toMatch(challenge);
      if (verb !== 'HEAD') expect(JSON.parse(answer.text)).toEqual({ message: 'Unauthorized' });
    } else if (answer.status >= 400) expect(type).toBe('application/problem+json');
    if (status === 403 && verb !== 'HEAD')
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'forbidden', status: 403 });
  });
});

it.each(['/nowhere', '/accounts/alices-1/nowhere'])(
  '404 to GET %s without a token',
  async (path) => {
    expect((await ask('none', 'GET', path)).status).toBe(404);
  },
);

it('405 to a method that a path does not answer, without a token', async () => {
  expect(await ask('none', 'DELETE', '/accounts/alices-1')).toMatchObject({ status: 405 });
});

describe('what a stranger hears of what is there', () => {
  const headersOf = (headers: Headers) =>
    [...headers].filter(
      ([name]) => !['date', 'apigw-requestid', 'x-correlation-id'].includes(name),
    );
  /** Everything of an answer, what was asked for called by one name. */
  const whole = async (id: string, [method, path, body, headers]: Asked) => {
    const named = (text: string) => text.replaceAll('ID', id);
    const {
      status,
      headers: got,
      text,
    } = await ask(
      'stranger',
      method,
      named(path),
      body && JSON.parse(named(JSON.stringify(body))),
      headers,
    );
    return { status, headers: headersOf(got), text: text.replaceAll(id, 'ID') };
  };
  type Asked = readonly [
    method: string,
    path: string,
    body?: object | undefined,
    headers?: Record<string, string>,
  ];

  const variants: readonly Record<string, string>[] = [
    {},
    { 'Idempotency-Key': 'strange' },
    { 'If-Match': '"1"' },
    { 'If-Match': '"2"' },
    { 'If-Match': '*' },
    { 'If-Match': '"2"', 'Idempotency-Key': 'stranger' },
  ];
  const reads = [
    '/accounts/ID',
    '/accounts/ID?version=1',
    '/accounts/ID?version=99',
    '/accounts/ID?at=2100-01-01T00:00:00Z',
    '/accounts/ID?at=2001-01-01T00:00:00Z',
    '/accounts/ID/entries',
    '/accounts/ID/entries?limit=1',
    '/accounts/ID/transfers',
    '/accounts/ID/transfers?status=settled',
    '/accounts/ID/transfers?reference=rent',
    '/accounts/ID/statement',
    '/accounts/ID/statement?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z',
    `/accounts/ID/commands/${commandId}`,
  ];
  const asked: readonly Asked[] = [
    ...reads.flatMap((path): Asked[] =>
      ['GET', 'HEAD'].flatMap((method): Asked[] => [
        [method, path],
        [method, path, undefined, { 'If-None-Match': '"2"' }],
      ]),
    ),
    ...variants.flatMap((headers): Asked[] => [
      ['POST', '/accounts/ID/withdrawals', { amount: 1 }, headers],
      ['POST', '/accounts/ID/withdrawals', { amount: 99_999_999, currency: 'USD' }, headers],
      ['POST', '/accounts/ID/deposits', { amount: 1 }, headers],
      ['POST', '/accounts/ID/withdrawals?dryRun=true', { amount: 1 }, headers],
      ['PATCH', '/accounts/ID', { name: 'Mine' }, headers],
      ['POST', '/accounts/ID/close', {}, headers],
      ['POST', '/accounts/ID/freeze', { scope: 'all' }, headers],
      ['POST', '/transfers', { from: 'ID', to: 'bobs-1', amount: 1, hold: {} }, headers],
      [
        'POST',
        '/postings',
        {
          legs: [
            { accountId: 'ID', amount: -1 },
            { accountId: 'bobs-1', amount: 1 },
          ],
        },
        headers,
      ],
      ['POST', '/transfers', { from: 'ID', to: 'bobs-1', amount: 1 }, headers],
      ['POST', '/transfers', { transferId: 'strange', from: 'ID', to: 'ID', amount: 1 }, headers],
      [
        'POST',
        '/transfers',
        { transferId: 'rent-1', from: 'ID', to: 'bobs-1', amount: 10 },
        { ...headers, Prefer: 'wait=1' },
      ],
    ]),
    ['PUT', '/accounts/ID'],
    ['POST', '/accounts/ID', {}],
  ];

  it.each(asked.map((request) => ({ request, said: JSON.stringify(request) })))(
    '$said is the same as of what is not there, sent twice',
    async ({ request }) => {
      // Ids of one length.
      const [there, none] = ['alices-1', 'nobody-1'];
      for (const _ of ['first', 'again']) {
        const answer = await whole(there, request);
        expect(answer).toEqual(await whole(none, request));
        expect(answer.headers.map(([name]) => name)).not.toContain('idempotency-replayed');
        expect(answer.headers.map(([name]) => name)).not.toContain('etag');
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    },
  );

  it('of a transfer, is the same as of one that is not there', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await whole('rent-1', [method, '/transfers/ID']);
      expect(answer).toEqual(await whole('none-1', [method, '/transfers/ID']));
      expect(answer.status).toBe(404);
    }
    for (const end of ['capture', 'void', 'reversal']) {
      const answer = await whole('rent-1', ['POST', `/transfers/ID/${end}`, {}]);
      expect(answer).toEqual(await whole('none-1', ['POST', `/transfers/ID/${end}`, {}]));
      expect(answer.status).toBe(404);
    }
  });

  it('claims nothing and writes nothing: the id and the key are free, and the victim may use them', async () => {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
    const stored = async () => {
      const tables = ['events', 'commands', 'queue'].map((name) => `holdfast-dev-${name}`);
      const counts = tables.map((TableName) =>
        client.send(new ScanCommand({ TableName, ConsistentRead: true })),
      );
      return (await Promise.all(counts)).map(({ Count }) => Count);
    };
    const before = await stored();
    const body = { transferId: 'burnt', from: 'alices-1', to: 'bobs-1', amount: 1 };
    for (const headers of variants)
      expect((await ask('stranger', 'POST', '/transfers', body, headers)).status).toBe(404);
    expect(await stored()).toEqual(before);
    client.destroy();
    const own = await ask('owner', 'POST', '/transfers', body);
    expect(own.status).toBe(202);
    expect(own.headers.get('idempotency-replayed')).toBeNull();
  });

  it('takes as many requests to the tables, and of the same kinds', async () => {
    const calls: string[] = [];
    const disarm = cloud.intercept((call, forward) => {
      if (
        !/project-views|carry-out|decide-pending|start-|recover-|expire-|(?:credit|settle|release)-transfer/.test(
          call.functionName,
        )
      )
        calls.push(call.operation);
      return forward();
    });
    const cost = async (id: string, request: Asked) => {
      calls.length = 0;
      await whole(id, request);
      return [...calls];
    };
    for (const request of asked)
      expect(await cost('alices-1', request)).toEqual(await cost('nobody-1', request));
    disarm();
  });

  it('of somebody else’s transferId, sent for an own account, is that it is taken, and nothing of the transfer', async () => {
    const operator = await cloud.as('root', 'ledger:operate');
    await operator.account('mallorys', 100, { owner: 'mallory' });
    for (const headers of [{}, { Prefer: 'wait=1' }, { 'Idempotency-Key': 'mine' }]) {
      const answer = await ask(
        'stranger',
        'POST',
        '/transfers',
        { transferId: 'rent-1', from: 'mallorys', to: 'bobs-1', amount: 10 },
        headers,
      );
      expect(answer).toMatchObject({ status: 422 });
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'idempotency_key_reused' });
      expect(answer.text).not.toMatch(/alices|settled|reserved/);
    }
    expect((await operator.get('/accounts/mallorys')).body).toMatchObject({
      balance: 100,
      version: 2,
    });
  });

  it('of opening an account by a taken id, whatever version it names, is no version', async () => {
    const open = (accountId: string) =>
      ask('stranger', 'POST', '/accounts', { accountId, currency: 'EUR' }, { 'If-Match': '"1"' });
    const [taken, free] = [await open('alices-1'), await open('nobody-1')];
    expect([taken.status, taken.text]).toEqual([412, free.text]);
  });
});

it('lets an operator open an account for somebody, who then has it', async () => {
  const operator = await cloud.as('root', 'ledger:operate');
  await operator.account('carols', 5, { owner: 'carol', overdraftLimit: 10 });
  const carol = await cloud.as('carol', 'ledger:read ledger:write');
  expect(await carol.post('/accounts/carols/withdrawals', { amount: 15 })).toMatchObject({
    status: 201,
  });
  expect((await carol.get('/accounts/carols')).body).toMatchObject({
    owner: 'carol',
    balance: -10,
  });
  expect(await operator.get('/accounts/carols')).toMatchObject({ status: 200 });
});

it('says of every operation in the document which scope it takes, as the matrix has it', async () => {
  const { body } = await cloud.api.get('/openapi.json');
  for (const route of httpRoutes.keys()) {
    const { method, path } = partsOf(route);
    const { security } = Object(body['paths'])[path][method.toLowerCase()];
    const scopes = security.flatMap((one: { token: readonly string[] }) => one.token);
    const [row] = matrix[route];
    const may = (name: CallerName) =>
      ![401, 403].includes(row?.answers[names.indexOf(name)] ?? 401);
    expect([route, scopes.includes('ledger:read')]).toEqual([route, !may('none') && may('reader')]);
    expect([route, scopes.includes('ledger:write')]).toEqual([
      route,
      !may('none') && may('writer'),
    ]);
    expect([route, scopes.includes('ledger:deposit')]).toEqual([
      route,
      !may('none') && may('depositor'),
    ]);
    expect([route, scopes.length === 0]).toEqual([route, may('none')]);
  }
});
