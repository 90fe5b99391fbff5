import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { movementRequest } from '../../../functions/commands/movement-request.ts';
import { openAccountRequest } from '../../../functions/commands/open-account.ts';
import { requestTransferRequest } from '../../../functions/commands/request-transfer.ts';
import { PROBLEMS } from '../../../functions/http/answer/problem.ts';
import { AccountView } from '../../../functions/ledger/answer.ts';
import { minorUnitDigits } from '../../../functions/ledger/currencies.ts';
import { Entry } from '../../../functions/ledger/statement.ts';
import { Transfer } from '../../../functions/ledger/transfer.ts';
import { AccountAnswer, getAccountRequest } from '../../../functions/queries/get-account.ts';
import { CommandStatus, getCommandRequest } from '../../../functions/queries/get-command.ts';
import { getTransferRequest } from '../../../functions/queries/get-transfer.ts';
import { EntryPage, listEntriesRequest } from '../../../functions/queries/list-entries.ts';
import { listTransfersRequest, TransferPage } from '../../../functions/queries/list-transfers.ts';
import { createHandler } from '../../../functions/queries/openapi.ts';
import { definitionOf, functionNames } from '../../../infra/constructs/catalogue.ts';
import { readOpenApi, referencesOf } from '../../../testing/openapi-document.ts';
import { createFundedLedger } from '../http/ledger.ts';
import { type ClientAnswer, send } from '../http/request.ts';
import { silentHttpTelemetry as telemetry } from '../runtime/recorded-telemetry.ts';

const served = await send(createHandler({ telemetry }), { route: '/openapi.json' });
const document = readOpenApi(served.body);

/** A route's schemas in the code: of its request, part by part, and of its answers, by status. */
interface Coded {
  readonly request: {
    readonly shape: Readonly<Partial<Record<'path' | 'query' | 'headers' | 'body', z.ZodMiniType>>>;
  };
  readonly answers: Readonly<Record<string, z.ZodMiniType>>;
}

/** What API Gateway may answer by itself. */
const BY_THE_GATEWAY = new Set([400, 413, 429, 431, 500, 503]);

const nothing = z.object({});
const routes: Readonly<Record<string, Coded>> = {
  'POST /accounts': { request: openAccountRequest, answers: { 201: AccountView } },
  'POST /accounts/{accountId}/deposits': {
    request: movementRequest,
    answers: { 201: Entry, 202: CommandStatus },
  },
  'POST /accounts/{accountId}/withdrawals': {
    request: movementRequest,
    answers: { 201: Entry, 202: CommandStatus },
  },
  'POST /transfers': {
    request: requestTransferRequest,
    answers: { 202: z.union([Transfer, CommandStatus]) },
  },
  'GET /accounts/{accountId}': { request: getAccountRequest, answers: { 200: AccountAnswer } },
  'GET /accounts/{accountId}/entries': { request: listEntriesRequest, answers: { 200: EntryPage } },
  'GET /accounts/{accountId}/transfers': {
    request: listTransfersRequest,
    answers: { 200: TransferPage },
  },
  'GET /accounts/{accountId}/commands/{commandId}': {
    request: getCommandRequest,
    answers: { 200: CommandStatus },
  },
  'GET /transfers/{transferId}': { request: getTransferRequest, answers: { 200: Transfer } },
  'GET /health': { request: nothing, answers: { 200: z.object({ status: z.literal('ok') }) } },
  'GET /openapi.json': {
    request: nothing,
    answers: { 200: z.looseObject({ openapi: z.string() }) },
  },
};
const eachRoute = Object.entries(routes).map(([route, coded]) => ({ route, ...coded }));

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

  it('has every route, among them all of the template', () => {
    const built = functionNames.flatMap((name) => definitionOf(name).route ?? []);
    expect([...document.operations.keys()].toSorted()).toEqual(Object.keys(routes).toSorted());
    expect(Object.keys(routes)).toEqual(
      expect.arrayContaining(built.filter((route) => route !== '$default')),
    );
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

  it('has no component that nothing refers to', () => {
    const referred = new Set(referencesOf(served.body));
    const components = Object.entries(document.components).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `#/components/${kind}/${name}`),
    );
    expect(components.filter((component) => !referred.has(component))).toEqual([]);
  });
});

describe.each(eachRoute)('$route', ({ route, request: { shape }, answers }) => {
  const { parameters, requestBody, responses } = operationOf(route);
  const documented = (place: string) =>
    Object.fromEntries(
      parameters
        .filter((parameter) => parameter.in === place && parameter.name !== 'X-Correlation-Id')
        .map(({ name, schema }) => [
          place === 'header' ? name.toLowerCase() : name,
          comparable(schema),
        ]),
    );

  it('is documented with the parameters and headers that it takes', () => {
    expect(documented('path')).toEqual(parametersOf(shape.path));
    expect(documented('query')).toEqual(parametersOf(shape.query));
    expect(documented('header')).toEqual(parametersOf(shape.headers));
    expect(parameters.some(({ name }) => name === 'X-Correlation-Id')).toBe(true);
  });

  it('is documented with the body that it takes', () => {
    const content = requestBody?.content['application/json'];
    expect(content && comparable(content.schema)).toEqual(
      shape.body && comparable(z.toJSONSchema(shape.body, { io: 'input' })),
    );
    for (const { value } of Object.values(content?.examples ?? {})) {
      expect(shape.body?.safeParse(value).error).toBeUndefined();
    }
  });

  it('is documented with the answers that it gives', () => {
    const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    expect(successes.map(([status]) => status)).toEqual(Object.keys(answers));
    for (const [status, { content }] of successes) {
      const answer = answers[status];
      const { schema, examples = {} } = content['application/json'] ?? {};
      // A client must not stumble over a field that is added later: answers are not documented as
      // closed.
      expect(schema && withoutClosing(comparable(schema))).toEqual(
        answer && withoutClosing(comparable(z.toJSONSchema(answer))),
      );
      for (const { value } of Object.values(examples))
        expect(answer?.safeParse(value).error).toBeUndefined();
    }
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
      if (BY_THE_GATEWAY.has(Number(status)) && !content['application/problem+json']) continue;
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
        expect(routes[route]?.answers[status]?.safeParse(body).error).toBeUndefined();
      } else {
        const { schema, examples } = response?.content[type] ?? {};
        expect(Object.keys(examples ?? {})).toContain(body['code']);
        expect(Object.keys(Object(schema?.['properties']))).toEqual(
          expect.arrayContaining(Object.keys(body)),
        );
      }
    }
  });
});

/**
 * The JSON schemas of a part of a request, by name: of what a parameter means, where its schema
 * says that, else of its text.
 */
const parametersOf = (part: z.ZodMiniType | undefined): Record<string, unknown> => {
  if (!part) return {};
  const meant = z.toJSONSchema(part, { io: 'output', unrepresentable: 'any' }).properties ?? {};
  const sent = z.toJSONSchema(part, { io: 'input' }).properties ?? {};
  return Object.fromEntries(
    Object.entries(meant).map(([name, schema]) => {
      const comparableSchema = comparable(schema);
      return [
        name,
        Object.keys(Object(comparableSchema)).length > 0
          ? comparableSchema
          : comparable(sent[name]),
      ];
    }),
  );
};

const FOR_PEOPLE = new Set(['$schema', 'title', 'description', 'example', 'examples']);

/**
 * A JSON schema without what is said for people, and without the pattern by which zod spells out
 * `date-time`.
 */
const comparable = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(comparable);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(
    ([name]) => !FOR_PEOPLE.has(name) && !(name === 'pattern' && 'format' in schema),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name === 'required' && Array.isArray(value)) return [name, value.toSorted()];
      if (name === 'properties') return [name, namedSchemas(value)];
      return [name, comparable(value)];
    }),
  );
};

// A property may be called `title` or `description`.
const namedSchemas = (properties: object): object =>
  Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, comparable(schema)]),
  );

const withoutClosing = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema, (name, value) => (name === 'additionalProperties' ? undefined : value)),
  );
