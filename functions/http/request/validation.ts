import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type * as z from 'zod/mini';
import type { InvalidPart, Problem } from '../answer/problem.ts';
import { readJsonBody } from './body/json-body.ts';
import { invalidHeaders } from './headers.ts';

/**
 * What a route takes, as one schema: `path`, `query`, `headers` (lower case), `body`, and
 * `routeKey`, where one function takes several routes. Nothing looks at a part that it does not
 * name; a route that names `body` takes JSON.
 */
export type RequestSchema<Input> = z.ZodMiniType<Input> & { readonly shape: object };

/** A request that is what the route takes, or why it is not. */
export type ReadRequest<Input> =
  | { readonly ok: true; readonly input: Input }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a request.
 * @param schema what the route takes.
 * @param event the request as API Gateway hands it over.
 * @param mostBodyBytes the largest body that is read, where it is not the usual one.
 * @returns its parts as the schema makes them, or 400 with what is wrong, all at once, 413 or 415.
 */
export const readRequest = <Input>(
  schema: RequestSchema<Input>,
  event: APIGatewayProxyEventV2,
  mostBodyBytes?: number,
): ReadRequest<Input> => {
  const { pathParameters: path = {}, queryStringParameters: query = {}, headers, routeKey } = event;
  const takesBody = 'body' in schema.shape;
  const inHeaders = takesBody ? invalidHeaders(event, takesIfMatch(schema)) : [];
  if (inHeaders.length > 0) return invalid(inHeaders);
  const body = takesBody ? readJsonBody(event, mostBodyBytes) : undefined;
  if (body?.ok === false) return body;
  return readValue(schema, { path, query, headers, body: body?.value, routeKey });
};

/** Whether a route reads `If-Match`. */
const takesIfMatch = ({ shape }: { readonly shape: object }): boolean =>
  'headers' in shape && 'if-match' in Object(Object(shape.headers).shape);

/**
 * Reads a value, such as one of many requests that came together.
 * @returns it as the schema makes it, or 400 with what is wrong.
 */
export const readValue = <Input>(
  schema: z.ZodMiniType<Input>,
  value: unknown,
): ReadRequest<Input> => {
  const result = schema.safeParse(value, { error: inWords });
  if (result.success) return { ok: true, input: result.data };
  return invalid(result.error.issues.flatMap(invalidParts));
};

/** 400, with what is wrong. */
const invalid = (
  parts: readonly InvalidPart[],
): { readonly ok: false; readonly problem: Problem } => {
  const errors = parts.slice(0, MOST_ERRORS);
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ');
  return { ok: false, problem: { code: 'validation_failed', detail: `${detail}.`, errors } };
};

/** Without it the answer to a body full of unknown fields would be many times the body's size. */
const MOST_ERRORS = 20;

/**
 * Names the part as its sender does: a header by its usual spelling, a field or parameter by its
 * own name.
 */
const invalidParts = (issue: z.core.$ZodIssue): InvalidPart[] => {
  const [part, ...names] = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...names, key].join('.'),
      message: 'is not known here',
    }));
  }
  const name = part === 'headers' ? names.map(asHeader).join('.') : names.join('.');
  return [{ path: name || String(part), message: issue.message }];
};

const asHeader = (name: string): string =>
  name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

/** The messages for issues that a schema has no words for; `zod/mini` brings none. */
const inWords = (issue: z.core.$ZodRawIssue): string => {
  if (issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_union':
      // One of several shapes, told apart by a member that names it.
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be one of ${issue.options.join(', ')}`
        : 'is not valid';
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return 'is not valid';
  }
};
