import { validateHeaderName, validateHeaderValue } from 'node:http';
import * as z from 'zod/mini';
import { type Invocation, isThrottled } from '../lambda/invocation.ts';

/** The answer that goes back to the client. */
export interface HttpAnswer {
  readonly status: number;
  /** A name can come more than once (`set-cookie`). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * Turns a function's answer into API Gateway's, payload format 2.0: an object with a `statusCode`
 * is a response, anything else is the JSON body of a 200. A function that failed, or whose response
 * has the wrong form, makes a 500; one that had no concurrency left a 503.
 */
export const toAnswer = (invocation: Invocation): HttpAnswer => {
  if (isThrottled(invocation)) return ownAnswer('Service Unavailable');
  if (!invocation.ok) return ownAnswer('Internal Server Error');
  if (!hasStatusCode(invocation.payload)) {
    return jsonAnswer(200, JSON.stringify(invocation.payload));
  }
  const response = functionResponse.safeParse(invocation.payload);
  return response.success ? toHttp(response.data) : ownAnswer('Internal Server Error');
};

/** The answers that API Gateway gives itself. */
const ownStatus = {
  'Bad Request': 400,
  Unauthorized: 401,
  Forbidden: 403,
  'Not Found': 404,
  'Request Entity Too Large': 413,
  'Too Many Requests': 429,
  'Request Header Fields Too Large': 431,
  'Internal Server Error': 500,
  'Service Unavailable': 503,
} as const;

/** An answer of API Gateway itself, e.g. 404 `{"message":"Not Found"}`. */
export const ownAnswer = (message: keyof typeof ownStatus): HttpAnswer =>
  jsonAnswer(ownStatus[message], JSON.stringify({ message }));

/** 401, with what is wrong with the token (RFC 6750, 3). */
export const unauthorized = (challenge: string): HttpAnswer => {
  const { headers, ...answer } = ownAnswer('Unauthorized');
  return { ...answer, headers: [...headers, ['www-authenticate', challenge]] };
};

const jsonAnswer = (status: number, body: string): HttpAnswer => ({
  status,
  headers: [['content-type', 'application/json']],
  body: Buffer.from(body),
});

const functionResponse = z.object({
  statusCode: z.coerce.number().check(z.int(), z.gte(200), z.lte(599)),
  headers: z.nullish(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  cookies: z.nullish(z.array(z.string())),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

const hasStatusCode = (payload: unknown): boolean =>
  typeof payload === 'object' && payload !== null && 'statusCode' in payload;

/** API Gateway sets these itself, from the body and the connection. */
const gatewayHeaders = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding']);

const toHttp = (response: z.infer<typeof functionResponse>): HttpAnswer => {
  const headers = Object.entries(response.headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !gatewayHeaders.has(name));
  if (!headers.every(isValidHeader)) return ownAnswer('Internal Server Error');
  if (!headers.some(([name]) => name === 'content-type'))
    headers.push(['content-type', 'text/plain; charset=utf-8']);
  return {
    status: response.statusCode,
    headers: [
      ...headers,
      ...(response.cookies ?? []).map((cookie) => ['set-cookie', cookie] as const),
    ],
    body: Buffer.from(response.body ?? '', response.isBase64Encoded ? 'base64' : 'utf8'),
  };
};

const isValidHeader = ([name, value]: readonly [string, string]): boolean => {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
};
