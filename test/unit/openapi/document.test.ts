import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  type ClientRoute,
  type FunctionName,
  httpRoutes,
} from '../../../infra/constructs/catalogue.ts';
import { openApiDocument } from '../../../openapi/document.ts';
import { createJsonSchemas } from '../../../openapi/json-schemas.ts';
import { operations } from '../../../openapi/operations.ts';
import { readOpenApi } from '../../../testing/openapi-document.ts';

const made = () => readOpenApi(JSON.parse(JSON.stringify(openApiDocument())));

it('the document that is served is the one that is made: `npm run openapi` writes it', () => {
  const written: unknown = JSON.parse(readFileSync('functions/queries/openapi.json', 'utf8'));
  // As texts, for the order counts too.
  expect(JSON.stringify(written, null, 1)).toBe(JSON.stringify(openApiDocument(), null, 1));
});

describe('a route', () => {
  const health = operations['GET /health'];

  it('of which nothing is said is named', () => {
    const routes = new Map<ClientRoute, FunctionName>([...httpRoutes, ['GET /new', 'health']]);
    expect(() => openApiDocument(routes)).toThrow('openapi/operations.ts says nothing of GET /new');
  });

  it('that is described and not there is named', () => {
    expect(() => openApiDocument(httpRoutes, { ...operations, 'GET /old': health })).toThrow(
      'openapi/operations.ts describes GET /old, which no function answers',
    );
  });

  it.each([
    [
      'a parameter of which nothing is said',
      { request: z.object({ query: z.strictObject({ verbose: z.optional(z.string()) }) }) },
      'openapi/parameters.ts says nothing of verbose, which GET /health takes',
    ],
    [
      'a parameter that another route reads differently',
      { request: z.object({ query: z.strictObject({ cursor: z.string() }) }) },
      'reads cursor differently',
    ],
    [
      'two responses with one status',
      { errors: [...health.errors, 'BadRequest'] as const },
      'openapi/operations.ts has 400 of GET /health twice, BadRequest the second',
    ],
  ])('with %s is named', (_, change, message) => {
    const changed = { ...operations, 'GET /health': { ...health, ...change } };
    expect(() => openApiDocument(httpRoutes, changed)).toThrow(message);
  });

  it('that was the last one to answer an error is missed', () => {
    const { 'POST /accounts': open } = operations;
    const errors = open.errors.filter((error) => error !== 'AccountExists');
    const changed = { ...operations, 'POST /accounts': { ...open, errors } };
    expect(() => openApiDocument(httpRoutes, changed)).toThrow(
      'nothing refers to #/components/responses/AccountExists',
    );
  });
});

describe('a call', () => {
  it('is named by its function, where that is a verb', () => {
    const { operations: calls } = made();
    expect(calls.get('POST /accounts')?.operationId).toBe('openAccount');
    expect(calls.get('GET /health')?.operationId).toBe('getHealth');
  });

  it('takes the body that its handler takes, and no other', () => {
    expect(
      made().operations.get('POST /accounts')?.requestBody?.content['application/json'].schema,
    ).toMatchObject({
      properties: { overdraftLimit: { minimum: 0, default: 0 } },
      required: ['currency'],
      additionalProperties: false,
    });
  });

  it('takes parameters as what they mean: numbers, times, texts of a form', () => {
    const byName = Object.fromEntries(
      [...made().operations.values()].flatMap(({ parameters }) =>
        parameters.map((parameter) => [parameter.name, parameter]),
      ),
    );
    expect(byName).toMatchObject({
      accountId: { required: true, schema: { pattern: '^[A-Za-z0-9_-]{1,64}$' } },
      limit: { schema: { type: 'integer', minimum: 1, maximum: 100, default: 25 } },
      version: { schema: { type: 'integer', minimum: 1 } },
      at: { schema: { type: 'string', format: 'date-time' } },
      cursor: { schema: { type: 'string' } },
      'Idempotency-Key': { in: 'header', schema: { pattern: '^[\\x20-\\x7e]{1,255}$' } },
      'X-Correlation-Id': { in: 'header', schema: { type: 'string' } },
    });
    expect(byName['at']?.schema).not.toHaveProperty('pattern');
    expect(byName['limit']).not.toHaveProperty('required');
  });

  it('is answered with what may gain fields', () => {
    for (const { responses } of made().operations.values())
      for (const { content } of Object.values(responses))
        for (const { schema } of Object.values(content))
          expect(schema['additionalProperties']).not.toBe(false);
  });
});

describe('a schema', () => {
  const name = z.string();

  it('that has a name is referred to, and keeps its description and its members’', () => {
    const schema = z.object({ name, nick: z.optional(name) });
    const schemas = createJsonSchemas({
      Name: { schema: name, description: 'A name.' },
      Person: { schema, fields: { nick: 'Among friends.' } },
    });
    expect(schemas.of(z.array(schema), 'input')).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/Person' },
    });
    expect(schemas.named()).toEqual({
      Name: { type: 'string', description: 'A name.' },
      Person: {
        type: 'object',
        properties: {
          name: { $ref: '#/components/schemas/Name' },
          nick: { $ref: '#/components/schemas/Name', description: 'Among friends.' },
        },
        required: ['name'],
      },
    });
  });

  it('with two names is refused', () => {
    expect(() => createJsonSchemas({ Name: { schema: name }, Nick: { schema: name } })).toThrow(
      'Name and Nick are one schema',
    );
  });

  it('is refused where something is said of a member that it does not have', () => {
    const schema = z.object({ name });
    const schemas = createJsonSchemas({ Person: { schema, fields: { nick: 'Among friends.' } } });
    expect(() => schemas.of(schema, 'input')).toThrow('Person has no nick');
  });

  it('that no route has is refused', () => {
    expect(() => createJsonSchemas({ Name: { schema: name } }).named()).toThrow(
      'no route takes or answers Name',
    );
  });
});
