import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { Invocation, LocalFunction } from '../lambda/invocation.ts';
import type { Authorize } from './authorizer.ts';
import { type ApiIdentity, type ReceivedRequest, toEvent, withClaims } from './request.ts';
import { type HttpAnswer, ownAnswer, toAnswer, unauthorized } from './response.ts';
import { createRouter, type Route } from './routes.ts';
import { createThrottle, type ThrottleSettings } from './throttle.ts';

/** API Gateway's limits for a request: the body, and the request line with all headers. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
const HEADER_LIMIT_BYTES = 10_240;

/** An HTTP API as the template describes it. */
export interface HttpApiDefinition {
  readonly apiId: string;
  readonly accountId: string;
  readonly stage: string;
  readonly routes: readonly Route<Integration>[];
  readonly throttle?: ThrottleSettings | undefined;
}

/** Where a route leads. */
interface Integration {
  readonly target: LocalFunction;
  readonly timeoutMs: number;
  /** Verifies the token of a request; absent: the route takes none. */
  readonly authorize?: Authorize | undefined;
}

/** Answers requests beside the API, e.g. `/_local`; `undefined`: the request is not its own. */
export type SideDoor = (
  request: Pick<ReceivedRequest, 'method' | 'target' | 'body'> & {
    readonly headers: IncomingHttpHeaders;
  },
) => Promise<HttpAnswer> | undefined;

/** The API, served. */
export interface RunningHttpApi {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Serves an HTTP API on this machine's loopback address.
 *
 * @param port 0: any free one.
 * @throws the listener's error, e.g. `EADDRINUSE`.
 */
export const startHttpApi = async (
  api: HttpApiDefinition,
  options: { readonly port: number; readonly sideDoor: SideDoor },
): Promise<RunningHttpApi> => {
  const findRoute = createRouter(api.routes);
  const mayPass = api.throttle ? createThrottle(api.throttle, () => performance.now()) : () => true;

  const answer = async (request: ReceivedRequest, identity: ApiIdentity): Promise<HttpAnswer> => {
    try {
      const route = findRoute(request.method, request.target.split('?')[0] ?? '');
      if (!route) return ownAnswer('Not Found');
      if (!mayPass()) return ownAnswer('Too Many Requests');
      const event = toEvent(request, route, identity);
      const { authorize } = route.target;
      const authorization = await authorize?.(event.headers['authorization']);
      if (authorization?.ok === false) return unauthorized(authorization.challenge);
      const input = authorization ? withClaims(event, authorization.claims) : event;
      const invocation = await withinTime(route.target, input);
      return invocation ? toAnswer(invocation) : ownAnswer('Service Unavailable');
    } catch (error) {
      if (error instanceof URIError) return ownAnswer('Bad Request');
      throw error;
    }
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await receive(incoming);
    if (!request) {
      // The rest of the body is still on its way: this connection cannot be used again.
      outgoing.setHeader('connection', 'close');
      return send(outgoing, ownAnswer('Request Entity Too Large'), randomUUID());
    }
    const own = options.sideDoor({ ...request, headers: incoming.headers });
    const port = incoming.socket.localPort ?? 0;
    send(outgoing, await (own ?? answer(request, { ...api, port })), request.requestId);
  };

  const server = createServer(
    { maxHeaderSize: HEADER_LIMIT_BYTES, keepAliveTimeout: 60_000 },
    (incoming, outgoing) => {
      // Either the client's connection failed or this code has a bug: no answer is the only one
      // left to give.
      serve(incoming, outgoing).catch((error: unknown) =>
        outgoing.destroy(error instanceof Error ? error : undefined),
      );
    },
  );
  server.on('clientError', (error, socket) => refuse(error, socket));
  await listen(server, options.port);
  const address = server.address();

  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: typeof address === 'object' && address ? address.port : options.port, stop };
};

/**
 * Finds out whether a port can be listened on, before anything else takes its time to start.
 *
 * @throws the listener's error, e.g. `EADDRINUSE`.
 */
export const assertPortIsFree = async (port: number): Promise<void> => {
  const server = createServer();
  await listen(server, port);
  await new Promise((resolve) => server.close(resolve));
};

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

/**
 * Answers bytes that are no readable request: headers beyond the limit, or no HTTP at all. The
 * connection is of no more use.
 */
const refuse = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy(error);
  const { status, headers, body } = ownAnswer(
    error.code === 'HPE_HEADER_OVERFLOW' ? 'Request Header Fields Too Large' : 'Bad Request',
  );
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `apigw-requestid: ${randomUUID()}`,
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
};

/** @returns `undefined` if the body is larger than the limit. */
const receive = async (incoming: IncomingMessage): Promise<ReceivedRequest | undefined> => {
  if (Number(incoming.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return {
    method: incoming.method ?? '',
    target: originForm(incoming.url ?? '/'),
    httpVersion: incoming.httpVersion,
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks),
    sourceIp: (incoming.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, ''),
    at: Date.now(),
    requestId: randomUUID(),
  };
};

/**
 * RFC 9112, 3.2.2: a request may name a whole URL, as to a proxy, and means the path on this host.
 */
const originForm = (target: string): string =>
  target.replace(/^https?:\/\/[^/?#]*(?=$|[/?])/i, '') || '/';

/** @returns `undefined` if the integration's time ran out; the invocation goes on, as on AWS. */
const withinTime = async (
  integration: Integration,
  event: unknown,
): Promise<Invocation | undefined> => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, integration.timeoutMs, undefined);
  try {
    return await Promise.race([integration.target.invoke(event), promise]);
  } finally {
    clearTimeout(timer);
  }
};

const send = (outgoing: ServerResponse, answer: HttpAnswer, requestId: string): void => {
  outgoing.statusCode = answer.status;
  for (const [name, value] of answer.headers) outgoing.appendHeader(name, value);
  outgoing.setHeader('apigw-requestid', requestId);
  if (answer.status !== 204 && answer.status !== 304)
    outgoing.setHeader('content-length', answer.body.length);
  outgoing.end(answer.body);
};
