import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { type Operation, readOpenApi } from '../testing/openapi-document.ts';
import type { FuzzRequest } from './requests.ts';
import type { FuzzAnswer } from './send.ts';

type Response = Operation['responses'][string];

/** An API's document, and what it says of requests and answers. */
export interface Check {
  readonly operations: ReadonlyMap<string, Operation>;
  fits(schema: object, value: unknown): boolean;
  /**
   * The route of a request, `GET /health`; `undefined`: the document has none. HEAD goes where GET
   * does.
   */
  routeOf(request: Pick<FuzzRequest, 'method' | 'target'>): string | undefined;
  /** What is wrong with an answer, sentence by sentence; nothing where it is as documented. */
  violations(request: FuzzRequest, answer: FuzzAnswer): readonly string[];
}

/**
 * Reads a document to hold answers to it. Answers may gain members, says the document, and clients
 * must not mind; that one has none that the document does not know is checked all the same.
 * @throws {Error} where the document is not well-formed.
 */
export const createCheck = (source: unknown): Check => {
  const { operations, components } = readOpenApi(source);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const validators = new Map<object, ReturnType<Ajv2020['compile']>>();
  const validatorOf = (schema: object) => {
    const validator = validators.get(schema) ?? ajv.compile(schema);
    validators.set(schema, validator);
    return validator;
  };
  const closed = new Map<object, object>();
  const closedOf = (schema: object): object => {
    const found = closed.get(schema) ?? Object(closing(schema));
    closed.set(schema, found);
    return found;
  };
  const mismatches = (what: string, schema: object, value: unknown): string[] => {
    const validate = validatorOf(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };

  const patterns = [...operations.keys()].map((route) => {
    const [method = '', path = ''] = route.split(' ');
    return {
      route,
      method,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    };
  });
  const routesAt = (target: string) => {
    const [path = ''] = target.split('?');
    return patterns.filter(({ pattern }) => pattern.test(path));
  };
  const routeOf: Check['routeOf'] = ({ method, target }) =>
    routesAt(target).find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method))
      ?.route;

  /**
   * Headers: those that must be there are, those that are there have the right form, and there are
   * no others.
   */
  const wrongHeaders = (response: Response, { headers }: FuzzAnswer): string[] => {
    const byName = new Map(
      Object.entries(response.headers).map(([name, header]) => [name.toLowerCase(), header]),
    );
    const undocumented = Object.keys(headers).filter(
      (name) => !EVERYWHERE.has(name) && !byName.has(name),
    );
    return [
      ...undocumented.map((name) => `${name} is not documented with this answer`),
      ...[...byName].flatMap(([name, { required, schema }]) => {
        const value = headers[name];
        if (value === undefined) return required ? [`${name} is missing`] : [];
        return mismatches(name, schema, schema['type'] === 'integer' ? Number(value) : value);
      }),
    ];
  };

  const wrongContent = (
    response: Response,
    method: string,
    { status, headers, text }: FuzzAnswer,
  ): string[] => {
    const types = Object.keys(response.content);
    if (types.length === 0) return text === '' ? [] : ['there is a body'];
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    const content = response.content[type];
    if (!content) return [`it is "${type}"; documented is ${types.join(', ')}`];
    if (method === 'HEAD') return text === '' ? [] : ['HEAD is answered with a body'];
    if (type === 'text/html' || type === 'text/csv')
      return mismatches('body', content.schema, text);
    const body = parsed(text);
    if (body === undefined) return ['the body is not JSON'];
    const codes = Object.keys(content.examples ?? {});
    return [
      ...mismatches('body', closedOf(content.schema), body),
      ...(type === PROBLEM && !codes.includes(body.code)
        ? [`code ${body.code} is not documented with ${status}, which has ${codes}`]
        : []),
      ...(type === PROBLEM && body.status !== status ? [`the problem says ${body.status}`] : []),
    ];
  };

  /** What the introduction says of every answer: of the API's own, and of the gateway's. */
  const wrongOnItsOwn = (method: string, answer: FuzzAnswer): string[] => {
    const missing = (name: string) =>
      answer.headers[name] === undefined ? [`${name} is missing`] : [];
    const type = answer.headers['content-type'] ?? '';
    const isGateways =
      GATEWAYS.has(answer.status) &&
      type.startsWith('application/json') &&
      (method === 'HEAD' || typeof parsed(answer.text)?.message === 'string');
    if (isGateways) return missing('apigw-requestid');
    const retry = type === PROBLEM && [503].includes(answer.status) ? missing('retry-after') : [];
    return [
      ...missing('apigw-requestid'),
      ...missing('x-correlation-id'),
      ...missing('cache-control'),
      ...retry,
    ];
  };

  const problem = Object(components['schemas']?.['Problem']);

  /** Answers where no route is: what the introduction says of them. */
  const wrongWithoutRoute = (
    { method, target }: FuzzRequest,
    { status, headers, text }: FuzzAnswer,
  ): string[] => {
    if (GATEWAYS.has(status)) return [];
    const there = routesAt(target).flatMap((route) =>
      route.method === 'GET' ? ['GET', 'HEAD'] : [route.method],
    );
    const [expected, code] =
      there.length > 0 ? [405, 'method_not_allowed'] : [404, 'route_not_found'];
    if (status !== expected) return [`it is not ${expected} ${code}`];
    const allowed =
      there.length > 0 && headers['allow'] !== there.join(', ')
        ? [`allow is ${headers['allow']}`]
        : [];
    const known = ['allow', 'x-correlation-id'];
    const others = Object.keys(headers)
      .filter((name) => !EVERYWHERE.has(name) && !known.includes(name))
      .map((name) => `${name} is not documented with this answer`);
    if (method === 'HEAD') return [...allowed, ...others];
    const body = parsed(text);
    return [
      ...allowed,
      ...others,
      ...mismatches('body', closedOf(problem), body),
      ...(body?.code === code ? [] : [`not ${code}`]),
    ];
  };

  const violations: Check['violations'] = (request, answer) => {
    const { status } = answer;
    const found = wrongOnItsOwn(request.method, answer);
    const route = routeOf(request);
    const operation = route === undefined ? undefined : operations.get(route);
    if (!operation) return [...found, ...wrongWithoutRoute(request, answer)];
    const response = operation.responses[status];
    if (!response) return [...found, `${status} is not documented with ${route}`];
    if (request.standing === 'broken' && (status < 400 || status >= 500))
      found.push('the document forbids the request');
    if (request.standing === 'sound' && [400, 405, 413, 415].includes(status))
      found.push('the document allows the request');
    return [
      ...found,
      ...wrongHeaders(response, answer),
      ...wrongContent(response, request.method, answer),
    ];
  };

  return {
    operations,
    fits: (schema, value) => validatorOf(schema)(value) === true,
    routeOf,
    violations,
  };
};

const PROBLEM = 'application/problem+json';

/** Headers of any answer: HTTP's own, and those that the introduction tells of. */
const EVERYWHERE = new Set([
  ...['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'],
  ...['apigw-requestid', 'cache-control'],
]);

/** What the gateway answers by itself. */
const GATEWAYS = new Set([400, 401, 413, 429, 431, 500, 503]);

// biome-ignore lint/suspicious/noExplicitAny: JSON of any kind is looked at member by member.
const parsed = (text: string): any => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A schema that takes no members but those it names. */
const closing = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closing);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, child]) => [name, closing(child)]),
  );
  return 'properties' in schema && 'type' in schema
    ? { additionalProperties: false, ...inner }
    : inner;
};
