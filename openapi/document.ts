import * as z from 'zod/mini';
import { PROBLEMS } from '../functions/http/answer/problem.ts';
import {
  type ClientRoute,
  type FunctionName,
  httpRoutes,
  partsOf,
} from '../infra/constructs/catalogue.ts';
import { info, tags, tokenScheme } from './about.ts';
import { describeParameters } from './describe-parameters.ts';
import { type ErrorResponse, errors, type ProblemWithExample, problems } from './errors.ts';
import { type Header, type HeaderName, headers } from './headers.ts';
import { createJsonSchemas, type JsonSchemas } from './json-schemas.ts';
import type { Answer, Operation } from './operation.ts';
import { operations } from './operations.ts';
import { GatewayMessage, Problem, schemas } from './schemas.ts';

/**
 * Makes the OpenAPI document: routes from the catalogue, schemas from the handlers' own, words and
 * examples from the files beside this one.
 * @param routes every route that clients know, and the function that answers it.
 * @param described what is said of each route.
 * @throws {Error} where something of the API is not described, or something is described that the
 *   API does not have: the message says what, and in which file.
 */
export const openApiDocument = (
  routes: ReadonlyMap<ClientRoute, FunctionName> = httpRoutes,
  described: Readonly<Partial<Record<ClientRoute, Operation>>> = operations,
) => {
  const jsonSchemas = createJsonSchemas(schemas);
  const parameters = describeParameters(jsonSchemas);

  const paths: Record<string, Record<string, object>> = {};
  for (const [route, name] of routes) {
    const operation = described[route];
    if (!operation) throw new Error(`openapi/operations.ts says nothing of ${route}`);
    const { method, path } = partsOf(route);
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        operationId: operation.operationId ?? camelCase(name),
        tags: [operation.tag],
        summary: operation.summary,
        description: operation.description,
        security: securityOf(operation),
        parameters: [...parameters.of(route, operation.request), ...parameters.of(route, ofChain)],
        requestBody: requestBodyOf(operation, jsonSchemas),
        responses: responsesOf(route, operation, jsonSchemas),
      },
    };
  }
  const answered = new Set<string>(routes.keys());
  const strays = Object.keys(described).filter((route) => !answered.has(route));
  if (strays.length > 0)
    throw new Error(`openapi/operations.ts describes ${strays}, which no function answers`);

  const components = {
    parameters: parameters.named(),
    headers: mapValues<Header, object>(headers, ({ name: _, ...header }) => header),
    responses: mapValues<ErrorResponse, object>(errors, (error) => errorOf(error, jsonSchemas)),
    examples: Object.fromEntries(
      Object.keys(problems)
        .filter(hasExample)
        .map((code) => [code, { value: exampleOf(code) }]),
    ),
    schemas: jsonSchemas.named(),
  };
  const securitySchemes = { [TOKEN]: tokenScheme };
  const document = {
    openapi: '3.1.1',
    info,
    servers: [{ url: '/' }],
    tags,
    paths,
    components,
  };
  assertNothingIsLeftOver(document);
  return { ...document, components: { securitySchemes, ...components } };
};

/** The name of the security scheme. */
const TOKEN = 'token';

/** An operator's token will do for any operation. */
const securityOf = ({ scope }: Operation) =>
  scope === undefined
    ? []
    : [...new Set([scope, 'ledger:operate'].flat())].map((one) => ({ [TOKEN]: [one] }));

/** What the chain takes of every request, whatever its route. */
const ofChain = z.object({ headers: z.object({ 'x-correlation-id': z.optional(z.string()) }) });

const requestBodyOf = ({ request, examples = {} }: Operation, jsonSchemas: JsonSchemas) => {
  const schema = jsonSchemas.of(request, 'input').properties?.['body'];
  return schema && { required: true, content: contentOf(schema, examples) };
};

const responsesOf = (
  route: string,
  { request, answers, errors: names }: Operation,
  jsonSchemas: JsonSchemas,
) => {
  const responses = mapValues<Answer, object>(answers, (answer) => ({
    description: answer.description,
    headers: headersOf(['XCorrelationId', ...answer.headers]),
    content: answer.schema && {
      ...contentOf(jsonSchemas.of(answer.schema, 'input'), answer.examples, answer.mediaType),
      ...(answer.csv && { 'text/csv': { schema: { type: 'string' } } }),
    },
  }));
  const [done] = Object.values(answers);
  if (done?.schema && takesDryRun(request) && !responses[200]) {
    responses[200] = {
      description: 'With `?dryRun=true`: as it would be answered. Nothing was done.',
      headers: headersOf(['XCorrelationId', 'DryRun', 'IdempotencyReplayed']),
      content: contentOf(jsonSchemas.of(done.schema, 'input')),
    };
  }
  for (const name of names) {
    const { status } = errors[name];
    if (responses[status])
      throw new Error(`openapi/operations.ts has ${status} of ${route} twice, ${name} the second`);
    responses[status] = referTo('responses', name);
  }
  return responses;
};

/** Whether a request may ask only what would be answered. */
const takesDryRun = (request: z.ZodMiniType): boolean =>
  request
    .safeParse({ path: {}, headers: {}, query: { dryRun: 'neither' }, body: {} })
    .error?.issues.some(({ path }) => path.join('.') === 'query.dryRun') ?? false;

const errorOf = (
  { status, description, codes, gateway, headers = [] }: ErrorResponse,
  jsonSchemas: JsonSchemas,
) => ({
  description,
  headers: headersOf([
    ...(codes ? ([gateway ? 'CorrelationIdOfProblem' : 'XCorrelationId'] as const) : []),
    ...(gateway ? (['ApigwRequestid'] as const) : []),
    ...headers,
  ]),
  content: {
    'application/problem+json': codes && {
      schema: jsonSchemas.of(Problem, 'input'),
      examples: Object.fromEntries(codes.map((code) => [code, exampleWith(code, status)])),
    },
    ...(gateway &&
      contentOf(jsonSchemas.of(GatewayMessage, 'input'), { by_the_gateway: { message: gateway } })),
  },
});

/** A code may come with another status than its own: a posting's 422 has an account's reason. */
const exampleWith = (code: ProblemWithExample, status: number) =>
  PROBLEMS[code].status === status
    ? referTo('examples', code)
    : { value: { ...exampleOf(code), status } };

const hasExample = (code: string): code is ProblemWithExample => Object.hasOwn(problems, code);

const exampleOf = (code: ProblemWithExample) => {
  const { title, status } = PROBLEMS[code];
  return { type: `urn:holdfast:problem:${code}`, title, status, ...problems[code], code };
};

const contentOf = (
  schema: unknown,
  examples?: Readonly<Record<string, unknown>>,
  mediaType = 'application/json',
) => ({
  [mediaType]: { schema, examples: examples && mapValues(examples, (value) => ({ value })) },
});

const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [headers[name].name, referTo('headers', name)]));

const referTo = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

/** @throws {Error} where nothing refers to a component. */
const assertNothingIsLeftOver = (document: {
  readonly components: Readonly<Record<string, object>>;
}) => {
  const text = JSON.stringify(document);
  const unused = Object.entries(document.components)
    .flatMap(([kind, named]) => Object.keys(named).map((name) => `#/components/${kind}/${name}`))
    .filter((reference) => !text.includes(`"${reference}"`));
  if (unused.length > 0) throw new Error(`nothing refers to ${unused}`);
};

/** The name of a function as that of a call: `openAccount` of `open-account`. */
const camelCase = (name: FunctionName): string =>
  name.replace(/-[a-z]/g, (start) => start.slice(1).toUpperCase());

const mapValues = <From, To>(
  record: Readonly<Record<string, From>>,
  to: (value: From) => To,
): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]));
