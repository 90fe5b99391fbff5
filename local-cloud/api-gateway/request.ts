import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A request as it came over the wire. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query string, percent-encoded. */
  readonly target: string;
  /** E.g. `1.1`. */
  readonly httpVersion: string;
  /** Name, value, name, value …, as `IncomingMessage.rawHeaders` has them. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly sourceIp: string;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly requestId: string;
}

/** The facts about the API that are in every event. */
export interface ApiIdentity {
  readonly accountId: string;
  readonly apiId: string;
  readonly stage: string;
  readonly port: number;
}

/** The event, with what the authorizer of its route found out. */
export type AuthorizedEvent = APIGatewayProxyEventV2 & {
  readonly requestContext: {
    readonly authorizer?: {
      readonly jwt: { readonly claims: Readonly<Record<string, string>>; readonly scopes: null };
    };
  };
};

/**
 * Adds the claims of a verified token to an event. `scopes` has those that the route itself asks
 * for, and no route here does.
 */
export const withClaims = (
  event: APIGatewayProxyEventV2,
  claims: Readonly<Record<string, string>>,
): AuthorizedEvent => ({
  ...event,
  requestContext: { ...event.requestContext, authorizer: { jwt: { claims, scopes: null } } },
});

/** The route that was found, see `routes.ts`. */
export interface EventRoute {
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Makes the event of an HTTP API's Lambda integration, payload format 2.0: a field without a value
 * is absent, names of headers are lower case, and a comma joins values that come more than once.
 *
 * @throws {URIError} if the path cannot be decoded.
 */
export const toEvent = (
  request: ReceivedRequest,
  route: EventRoute,
  api: ApiIdentity,
): APIGatewayProxyEventV2 => {
  const [encodedPath = '', ...query] = request.target.split('?');
  const rawQueryString = query.join('?');
  const path = decodePath(encodedPath);
  const { headers, cookies } = toHeaders(request, api);
  const domainName = headers['host']?.replace(/:\d+$/, '') ?? 'localhost';
  const queryStringParameters = joinRepeated(new URLSearchParams(rawQueryString));

  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath: path,
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(rawQueryString !== '' && { queryStringParameters }),
    requestContext: {
      accountId: api.accountId,
      apiId: api.apiId,
      domainName,
      domainPrefix: domainName.split('.')[0] ?? '',
      http: {
        method: request.method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey: route.routeKey,
      stage: api.stage,
      time: toLogTime(request.at),
      timeEpoch: request.at,
    },
    ...(Object.keys(route.pathParameters).length > 0 && { pathParameters: route.pathParameters }),
    ...toBody(request.body, headers['content-type']),
  };
};

/**
 * Decodes `rawPath`, in spite of its name, and loses all after a decoded `?`, as API Gateway does.
 */
const decodePath = (encoded: string): string => decodeURIComponent(encoded).split('?')[0] ?? '';

/** Headers that belong to the connection between client and API Gateway. */
const connectionHeaders = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const toHeaders = (request: ReceivedRequest, api: ApiIdentity) => {
  const received: [string, string][] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    received.push([
      request.rawHeaders[index]?.toLowerCase() ?? '',
      request.rawHeaders[index + 1] ?? '',
    ]);
  }
  const cookies = received
    .filter(([name]) => name === 'cookie')
    .flatMap(([, value]) => value.split(/;\s*/));
  const headers = joinRepeated(
    received.filter(([name]) => name !== 'cookie' && !connectionHeaders.has(name)),
  );
  headers['content-length'] = String(request.body.length);
  headers['x-amzn-trace-id'] ??= toTraceId(request);
  headers['x-forwarded-for'] = [headers['x-forwarded-for'], request.sourceIp]
    .filter(Boolean)
    .join(', ');
  headers['x-forwarded-port'] = String(api.port);
  headers['x-forwarded-proto'] = 'http';
  return { headers, cookies: cookies.filter((cookie) => cookie !== '') };
};

const joinRepeated = (pairs: Iterable<readonly [string, string]>): Record<string, string> => {
  const joined = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
};

/** X-Ray's form: the second of the request, then 24 hexadecimal digits. */
const toTraceId = ({ at, requestId }: ReceivedRequest): string => {
  const seconds = Math.floor(at / 1000).toString(16);
  return `Root=1-${seconds}-${requestId
    .replaceAll(/[^0-9a-f]/g, '')
    .padEnd(24, '0')
    .slice(0, 24)}`;
};

const months = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;

/** The time format of web server logs, e.g. `12/Mar/2026:19:03:58 +0000`. */
const toLogTime = (at: number): string => {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${months[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
};

/**
 * The types that API Gateway takes for text. A body of another type or none, or that is no UTF-8,
 * reaches the function as base64.
 */
const textTypes = /^(text\/.*|application\/(json|xml|javascript))$/i;

const toBody = (
  body: Buffer,
  contentType: string | undefined,
): { body?: string; isBase64Encoded: boolean } => {
  if (body.length === 0) return { isBase64Encoded: false };
  const mediaType = contentType?.split(';')[0]?.trim() ?? '';
  return textTypes.test(mediaType) && isUtf8(body)
    ? { body: body.toString('utf8'), isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
};
