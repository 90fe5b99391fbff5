import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { expect } from 'vitest';
import type { HttpHandler } from '../../../functions/http/chain/http-handler.ts';
import document from '../../../functions/queries/openapi.json' with { type: 'json' };
import { createCheck } from '../../../fuzz/check.ts';

/** A request as a client would put it. `body` is sent as JSON; `rawBody` as it is. */
export interface ClientRequest {
  /** `ANY`: the request came by the route that takes every method. */
  readonly method?: 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'ANY';
  readonly route?: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly isBase64Encoded?: boolean;
  /** The claims of the token that the gateway has verified; absent: it asked for none. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** An answer, its body parsed; `{}` where it has none. */
export interface ClientAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

/**
 * The event that API Gateway makes of a request (payload 2.0): header names in lower case, what is
 * not there left out.
 */
export const eventOf = (request: ClientRequest): APIGatewayProxyEventV2 => {
  const { path, query, body, isBase64Encoded = false } = request;
  const rawBody = request.rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const method = request.method ?? (rawBody === undefined ? 'GET' : 'POST');
  const route = request.route ?? '/test';
  const rawPath = route.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path?.[name] ?? ''),
  );
  const headers =
    rawBody === undefined
      ? request.headers
      : { 'Content-Type': 'application/json', ...request.headers };
  return {
    version: '2.0',
    routeKey: `${method} ${route}`,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    ...(query ? { queryStringParameters: query } : {}),
    ...(path ? { pathParameters: path } : {}),
    ...(rawBody === undefined ? {} : { body: rawBody }),
    isBase64Encoded,
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'test',
      },
      requestId: 'gateway-request-id',
      routeKey: `${method} ${route}`,
      stage: '$default',
      time: '21/Nov/2026:10:00:00 +0000',
      timeEpoch: Date.parse('2026-11-21T10:00:00.000Z'),
      ...(request.claims && { authorizer: { jwt: { claims: request.claims, scopes: null } } }),
    },
  };
};

const check = createCheck(document);

/** Sends a request to a handler. Where its route is documented, so is the answer. */
export const send = async (
  handler: HttpHandler,
  request: ClientRequest = {},
): Promise<ClientAnswer> => {
  const event = eventOf(request);
  const { statusCode, headers, body } = await handler(event, lambdaContext());
  if (check.operations.has(event.routeKey)) {
    const byName = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const answer = {
      status: statusCode,
      // The gateway adds it.
      headers: { ...Object.fromEntries(byName), 'apigw-requestid': 'r' },
      text: body,
    };
    const { method } = event.requestContext.http;
    expect(check.violations({ method, target: event.rawPath, headers: [] }, answer)).toEqual([]);
  }
  return { status: statusCode, headers, body: body === '' ? {} : JSON.parse(body) };
};

/** What Lambda tells a handler about its invocation. */
export const lambdaContext = (remainingMilliseconds = 10_000): Context => ({
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'holdfast-test',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:holdfast-test',
  memoryLimitInMB: '512',
  awsRequestId: 'lambda-request-id',
  logGroupName: 'group',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => remainingMilliseconds,
  done: () => {},
  fail: () => {},
  succeed: () => {},
});
