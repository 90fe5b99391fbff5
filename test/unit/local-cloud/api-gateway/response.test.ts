import { describe, expect, it } from 'vitest';
import { ownAnswer, toAnswer } from '../../../../local-cloud/api-gateway/response.ts';
import { type Invocation, throttled } from '../../../../local-cloud/lambda/invocation.ts';

const json = [['content-type', 'application/json']];
const internalServerError = {
  status: 500,
  headers: json,
  body: '{"message":"Internal Server Error"}',
};

interface Case {
  readonly name: string;
  readonly invocation: Invocation;
  readonly answer: {
    readonly status: number;
    readonly headers: readonly (readonly string[])[];
    readonly body: string;
  };
}

const returned = (payload: unknown): Invocation => ({ ok: true, payload });

const cases: readonly Case[] = [
  {
    name: 'a response with everything',
    invocation: returned({
      statusCode: 201,
      headers: { 'Content-Type': 'application/json', ETag: '"1"', 'X-Count': 3, 'X-Flag': true },
      cookies: ['a=1', 'b=2'],
      body: '{"a":1}',
      isBase64Encoded: false,
    }),
    answer: {
      status: 201,
      headers: [
        ...json,
        ['etag', '"1"'],
        ['x-count', '3'],
        ['x-flag', 'true'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      body: '{"a":1}',
    },
  },
  {
    name: 'a response without a content type',
    invocation: returned({ statusCode: 200, body: 'ä' }),
    answer: { status: 200, headers: [['content-type', 'text/plain; charset=utf-8']], body: 'ä' },
  },
  {
    name: 'a body in base64',
    invocation: returned({
      statusCode: 200,
      headers: { 'content-type': 'x/y' },
      body: 'aGk=',
      isBase64Encoded: true,
    }),
    answer: { status: 200, headers: [['content-type', 'x/y']], body: 'hi' },
  },
  {
    name: 'a status code as text, null for what is absent',
    invocation: returned({
      statusCode: '404',
      headers: null,
      cookies: null,
      body: null,
      isBase64Encoded: null,
    }),
    answer: { status: 404, headers: [['content-type', 'text/plain; charset=utf-8']], body: '' },
  },
  {
    name: 'headers that API Gateway sets itself',
    invocation: returned({
      statusCode: 200,
      headers: { 'Content-Type': 'a/b', 'Content-Length': '7', Connection: 'close' },
    }),
    answer: { status: 200, headers: [['content-type', 'a/b']], body: '' },
  },
  {
    name: 'an object without statusCode',
    invocation: returned({ a: 1 }),
    answer: { status: 200, headers: json, body: '{"a":1}' },
  },
  {
    name: 'a string',
    invocation: returned('hi'),
    answer: { status: 200, headers: json, body: '"hi"' },
  },
  {
    name: 'a list',
    invocation: returned([1]),
    answer: { status: 200, headers: json, body: '[1]' },
  },
  {
    name: 'null',
    invocation: returned(null),
    answer: { status: 200, headers: json, body: 'null' },
  },
  {
    name: 'a body that is no string',
    invocation: returned({ statusCode: 200, body: { a: 1 } }),
    answer: internalServerError,
  },
  {
    name: 'a status code out of range',
    invocation: returned({ statusCode: 700 }),
    answer: internalServerError,
  },
  {
    name: 'a status code that is no number',
    invocation: returned({ statusCode: 'ok' }),
    answer: internalServerError,
  },
  {
    name: 'a header that cannot be sent',
    invocation: returned({ statusCode: 200, headers: { 'a b': 'c' } }),
    answer: internalServerError,
  },
  {
    name: 'a header with a line break',
    invocation: returned({ statusCode: 200, headers: { a: 'b\nc' } }),
    answer: internalServerError,
  },
  {
    name: 'a failed function',
    invocation: { ok: false, errorType: 'TypeError', errorMessage: 'secret' },
    answer: internalServerError,
  },
  {
    name: 'a function that had no concurrency left',
    invocation: throttled,
    answer: { status: 503, headers: json, body: '{"message":"Service Unavailable"}' },
  },
];

describe('toAnswer', () => {
  it.each(cases)('answers $name', ({ invocation, answer }) => {
    const { status, headers, body } = toAnswer(invocation);
    expect({ status, headers, body: body.toString() }).toEqual(answer);
  });
});

describe('ownAnswer', () => {
  it.each([
    [404, 'Not Found'],
    [413, 'Request Entity Too Large'],
    [429, 'Too Many Requests'],
    [503, 'Service Unavailable'],
  ] as const)('has status %i for %s', (status, message) => {
    const answer = ownAnswer(message);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString())).toEqual({ message });
  });
});
