import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../../functions/http/answer/problem.ts';
import { minorUnitDigits } from '../../../functions/ledger/currencies.ts';
import { createHandler } from '../../../functions/queries/openapi.ts';
import { httpRoutes } from '../../../infra/constructs/catalogue.ts';
import type { Operation } from '../../../openapi/operation.ts';
import { operations } from '../../../openapi/operations.ts';
import { readOpenApi } from '../../../testing/openapi-document.ts';
import { createFundedLedger } from '../http/ledger.ts';
import { type ClientAnswer, send } from '../http/request.ts';
import { silentHttpTelemetry as telemetry } from '../runtime/recorded-telemetry.ts';

const served = await send(createHandler({ telemetry }), { route: '/openapi.json' });
const document = readOpenApi(served.body);

/** What API Gateway may answer by itself. */
const BY_THE_GATEWAY = new Set([400, 413, 429, 431, 500, 503]);

const eachRoute = Object.entries(operations).map(([route, described]) => ({ route, described }));

const operationOf = (route: string) => {
  const operation = document.operations.get(route);
  if (!operation) throw new Error(`${route} is not documented`);
  return operation;
};

describe('the document', () => {
  it('is OpenAPI 3.1, served as JSON', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(served).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/json' } });
  });

  it('has every route', () => {
    expect([...document.operations.keys()].toSorted()).toEqual([...httpRoutes.keys()].toSorted());
  });

  it('gives every operation an id of its own, a known tag, and every parameter of its path', () => {
    const operations = [...document.operations];
    expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(
      operations.length,
    );
    const tags = document.tags.map(({ name }) => name);
    for (const [route, operation] of operations) {
      expect(tags).toEqual(expect.arrayContaining(operation.tags));
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(route.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
    }
  });
});

describe.each(eachRoute)('$route', ({ route, described: { request, examples, answers } }) => {
  const { responses } = operationOf(route);

  it('has examples of bodies that its handler takes', () => {
    for (const body of Object.values(examples ?? {})) {
      // The handler reads a body beside other parts, which may be missing here.
      const issues = request.safeParse({ body }).error?.issues ?? [];
      expect(issues.filter(({ path }) => path[0] === 'body')).toEqual([]);
    }
  });

  it('has examples of answers that its handler could give', () => {
    for (const { schema, examples } of Object.values(answers))
      for (const answer of Object.values(examples ?? {}))
        expect(schema?.safeParse(answer).error).toBeUndefined();
  });

  it('is documented with what the gateway answers by itself, and what to do', () => {
    for (const status of BY_THE_GATEWAY) {
      const { description, headers, content } = responses[status] ?? {};
      expect(description).toMatch(/\bby the gateway\b/i);
      expect(headers).toMatchObject({ 'Apigw-Requestid': { required: true } });
      expect(headers?.['X-Correlation-Id']?.required).toBeUndefined();
      expect(content?.['application/json']).toMatchObject({
        schema: { required: ['message'] },
        examples: { by_the_gateway: { value: { message: expect.any(String) } } },
      });
    }
  });

  it('is documented with every problem it may answer, each under its status, with an example', () => {
    const problems = Object.entries(responses).filter(([status]) => !/^2|^304$/.test(status));
    for (const [status, { content }] of problems) {
      const mayBeGateways = status === '401' || BY_THE_GATEWAY.has(Number(status));
      if (mayBeGateways && !content['application/problem+json']) continue;
      const { examples = {} } = content['application/problem+json'] ?? {};
      expect(Object.keys(examples).length).toBeGreaterThan(0);
      for (const [code, { value }] of Object.entries(examples)) {
        const { title } =
          new Map<string, { title: string }>(Object.entries(PROBLEMS)).get(code) ?? {};
        expect(value).toMatchObject({
          type: `urn:holdfast:problem:${code}`,
          code,
          title,
          status: Number(status),
        });
      }
    }
  });
});

it('every currency that an account can be opened in is named with its minor unit', () => {
  const { description = '' } = Object(
    Object(document.components['schemas']?.['OpenAccount']).properties.currency,
  );
  const told = description.match(/\d: [A-Z ]+/g).flatMap((line: string) => {
    const [digits, ...codes] = line.trim().split(/:? /);
    return codes.map((code) => [code, Number(digits)]);
  });
  expect(told).toEqual([...minorUnitDigits]);
});

describe('the problems', () => {
  it('are those of the table', () => {
    expect(document.components['schemas']?.['ProblemCode']).toMatchObject({
      enum: Object.keys(PROBLEMS),
    });
  });

  it('are each documented with some route, but for those of no route', () => {
    const codes = [...document.operations.values()].flatMap(({ responses }) =>
      Object.values(responses).flatMap(({ content }) =>
        Object.keys(content['application/problem+json']?.examples ?? {}),
      ),
    );
    expect([...new Set(codes), 'route_not_found', 'method_not_allowed'].toSorted()).toEqual(
      Object.keys(PROBLEMS).toSorted(),
    );
  });
});

describe('what is answered', () => {
  /** Everyday requests, and the route of each. */
  const exchanges = async (): Promise<[string, ClientAnswer][]> => {
    const ledger = await createFundedLedger();
    const keyed = { 'Idempotency-Key': 'k1' };
    const [deposits, withdrawals] = [
      'POST /accounts/{accountId}/deposits',
      'POST /accounts/{accountId}/withdrawals',
    ];
    const rent = { from: 'a1', to: 'b1', amount: 1 };
    const answers: [string, ClientAnswer][] = [
      ['POST /accounts', await ledger.open({ currency: 'EUR' }, keyed)],
      ['POST /accounts', await ledger.open({ currency: 'EUR' }, keyed)],
      ['POST /accounts', await ledger.open({ currency: 'USD' }, keyed)],
      [
        'POST /accounts',
        await ledger.open({ accountId: 'a1', currency: 'EUR' }, { 'Idempotency-Key': 'k2' }),
      ],
      [
        'POST /accounts',
        await ledger.open({ accountId: 'a1', currency: 'EUR' }, { 'Idempotency-Key': 'k2' }),
      ],
      [
        'POST /accounts',
        await ledger.open({ accountId: 'a9', currency: 'EUR' }, { 'If-Match': '*' }),
      ],
      [deposits, await ledger.deposit('a1', { body: { amount: 1 }, headers: keyed })],
      [deposits, await ledger.deposit('a1', { body: { amount: 1 }, headers: keyed })],
      [deposits, await ledger.deposit('a1', { body: { amount: 1, currency: 'USD' } })],
      [deposits, await ledger.deposit('a1', { body: { amount: Number.MAX_SAFE_INTEGER } })],
      [deposits, await ledger.deposit('missing', { body: { amount: 1 }, headers: keyed })],
      [deposits, await ledger.deposit('missing', { body: { amount: 1 }, headers: keyed })],
      [withdrawals, await ledger.withdraw('a1', { body: { amount: 1 } })],
      [
        withdrawals,
        await ledger.withdraw('a1', {
          body: { amount: 1_000_000 },
          headers: { 'Idempotency-Key': 'k3' },
        }),
      ],
      [
        withdrawals,
        await ledger.withdraw('a1', {
          body: { amount: 1_000_000 },
          headers: { 'Idempotency-Key': 'k3' },
        }),
      ],
      [
        withdrawals,
        await ledger.withdraw('a1', { body: { amount: 1 }, headers: { 'If-Match': '"1"' } }),
      ],
      ['POST /transfers', await ledger.transfer(rent, keyed)],
      ['POST /transfers', await ledger.transfer(rent, { ...keyed, Prefer: 'wait=1' })],
      ['POST /transfers', await ledger.transfer({ ...rent, to: 'a1' })],
      ['GET /accounts/{accountId}', await ledger.getAccount('a1')],
      [
        'GET /accounts/{accountId}',
        await ledger.getAccount('a1', { query: { at: '2026-11-21T10:00:09.000Z' } }),
      ],
      ['GET /accounts/{accountId}', await ledger.getAccount('missing')],
      ['GET /accounts/{accountId}', await ledger.getAccount('a1', { query: { version: '99' } })],
      [
        'GET /accounts/{accountId}',
        await ledger.getAccount('a1', { headers: { 'If-None-Match': '*' } }),
      ],
    ];
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'pending', key: 'command:c1' });
    answers.push([deposits, await ledger.deposit('a1', { body: { amount: 1 } })]);
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'in_progress' });
    answers.push([deposits, await ledger.deposit('a1', { body: { amount: 1 } })]);
    ledger.store.execute.mockResolvedValueOnce({ outcome: 'undecided', reason: 'contention' });
    answers.push([deposits, await ledger.deposit('a1', { body: { amount: 1 } })]);
    return answers;
  };

  it('is documented: its status, headers, code and members', async () => {
    for (const [route, { status, headers, body }] of await exchanges()) {
      const response = operationOf(route).responses[status];
      const { 'Content-Type': type = '', 'Cache-Control': _, ...others } = headers;
      expect(Object.keys(response?.headers ?? {})).toEqual(
        expect.arrayContaining(Object.keys(others)),
      );
      if (status === 304) {
        expect(response?.content).toEqual({});
      } else if (status < 300) {
        const { schema } = answersOf(route)[status] ?? {};
        expect(schema?.safeParse(body).error).toBeUndefined();
        expect(membersOf(response?.content[type]?.schema)).toEqual(
          expect.arrayContaining(Object.keys(body)),
        );
      } else {
        const { schema, examples } = response?.content[type] ?? {};
        expect(Object.keys(examples ?? {})).toContain(body['code']);
        expect(membersOf(schema)).toEqual(expect.arrayContaining(Object.keys(body)));
      }
    }
  });
});

const answersOf = (route: string) =>
  new Map<string, Operation>(Object.entries(operations)).get(route)?.answers ?? {};

/** The members that a schema names, or one of those that it leaves the choice of. */
const membersOf = (schema: unknown): string[] => {
  const { properties = {}, anyOf = [] } = Object(schema);
  return [...Object.keys(properties), ...anyOf.flatMap(membersOf)];
};
