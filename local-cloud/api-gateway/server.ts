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
import { isLoopback } from '../iam/loopback.ts';
import type { Invocation, LocalFunction } from '../lambda/invocation.ts';
import type { Authorize } from './authorizer.ts';
import { type ApiIdentity, type ReceivedRequest, toEvent, withClaims } from './request.ts';
import { type HttpAnswer, ownAnswer, toAnswer, unauthorized } from './response.ts';
import { createRouter, type Route } from './routes.ts';
import { createThrottles, type ThrottleSettings } from './throttle.ts';

/** API Gateway's limits for a request: the body, and the request line with all headers. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
const HEADER_LIMIT_BYTES = 10_240;
/**
 * Lambda's limit for the event of a request, which API Gateway hands on as its own 413
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
 */
const EVENT_LIMIT_BYTES = 6 * 1024 * 1024;
/** No character of a body takes more bytes in an event. */
const MOST_BYTES_PER_BYTE = 6;

/** An HTTP API as the template describes it. */
export interface HttpApiDefinition {
  readonly apiId: string;
  readonly accountId: string;
  readonly stage: string;
  readonly routes: readonly Route<Integration>[];
  /** Of all routes together that have no settings of their own. */
  readonly throttle?: ThrottleSettings | undefined;
  /** Of single routes, by route key. */
  readonly routeThrottles?: ReadonlyMap<string, ThrottleSettings>;
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
  const mayPass = createThrottles(api.throttle, api.routeThrottles ?? new Map(), () =>
    performance.now(),
  );

  const answer = async (request: ReceivedRequest, identity: ApiIdentity): Promise<HttpAnswer> => {
    try {
      const route = findRoute(request.method, request.target.split('?')[0] ?? '');
      if (!route) return ownAnswer('Not Found');
      if (!mayPass(route.routeKey)) return ownAnswer('Too Many Requests');
      const event = toEvent(request, route, identity);
      const { authorize } = route.target;
      const authorization = await authorize?.(event.headers['authorization']);
      if (authorization?.ok === false) return unauthorized(authorization.challenge);
      const input = authorization ? withClaims(event, authorization.claims) : event;
      if (isTooLarge(input, request.body)) return ownAnswer('Request Entity Too Large');
      const invocation = await withinTime(route.target, input);
      return invocation ? toAnswer(invocation) : ownAnswer('Service Unavailable');
    } catch (error) {
      if (error instanceof URIError) return ownAnswer('Bad Request');
      throw error;
    }
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const refuseRequest = (answer: HttpAnswer): void => {
      // The rest of the request may still be on its way: this connection cannot be used again.
      outgoing.setHeader('connection', 'close');
      send(outgoing, answer, randomUUID());
    };
    if (!isHttp(incoming)) return refuseRequest(ownAnswer('Bad Request'));
    const request = await receive(incoming);
    if (!request) return refuseRequest(ownAnswer('Request Entity Too Large'));
    // AWS knows an API by its host, and answers so where there is none of that name.
    if (!isLoopback(incoming.headers.host)) return refuseRequest(ownAnswer('Forbidden'));
    const own = options.sideDoor({ ...request, headers: incoming.headers });
    const port = incoming.socket.localPort ?? 0;
    send(outgoing, await (own ?? answer(request, { ...api, port })), request.requestId);
  };

  const underWay = createUnderWay();
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    underWay.add(incoming, outgoing);
    // Either the client's connection failed or this code has a bug: no answer is the only one left
    // to give.
    serve(incoming, outgoing).catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : undefined),
    );
  };
  // A request without `Host` is refused below, in the gateway's own form.
  const limits = { maxHeaderSize: HEADER_LIMIT_BYTES, requireHostHeader: false };
  const server = createServer({ ...limits, keepAliveTimeout: 60_000 }, take);
  // A client may say that it has sent all (`printf … | nc`), and still waits for its answers. Node.js
  // has this setting since its beginnings, and no type for it.
  Object.assign(server, { httpAllowHalfOpen: true });
  // What is expected besides 100-continue is not known here, and does no harm.
  server.on('checkExpectation', take);
  // Of a connection in several requests the first is answered first: a client would take what is
  // said of bytes that are no request for the answer to the request before them.
  server.on('clientError', (error, socket) =>
    underWay.onceAnswered(socket, () => refuse(error, socket)),
  );
  server.on('connect', (_, socket) =>
    underWay.onceAnswered(socket, () => refuse(new Error('CONNECT is for proxies'), socket)),
  );
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

/** Knows which requests of a connection are whole and still to be answered. */
const createUnderWay = () => {
  const bySocket = new WeakMap<
    Duplex,
    Set<{ incoming: IncomingMessage; answered: Promise<void> }>
  >();
  return {
    add: (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      const { promise: answered, resolve } = Promise.withResolvers<void>();
      const requests = bySocket.get(incoming.socket) ?? new Set();
      bySocket.set(incoming.socket, requests);
      const request = { incoming, answered };
      requests.add(request);
      outgoing.once('close', () => {
        requests.delete(request);
        resolve();
      });
    },
    /** Does something once they are. One whose body is broken never is whole. */
    onceAnswered: (socket: Duplex, next: () => void): void => {
      const whole = [...(bySocket.get(socket) ?? [])].filter(({ incoming }) => incoming.complete);
      void Promise.all(whole.map(({ answered }) => answered)).then(next);
    },
  };
};

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

/**
 * Whether a request is one of HTTP/1.1 or HTTP/1.0 with the `Host` that it needs (RFC 9112, 3.2),
 * which the parser leaves to this code.
 */
const isHttp = ({ httpVersion, rawHeaders }: IncomingMessage): boolean => {
  const hosts = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  );
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return false;
  if (hosts.length !== 1) return hosts.length === 0 && httpVersion === '1.0';
  return hosts.every((host) => HOST.test(host));
};

/** A name or an address, and a port (RFC 3986, 3.2.2). */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/;

const isTooLarge = (event: unknown, body: Buffer): boolean =>
  body.length * MOST_BYTES_PER_BYTE > EVENT_LIMIT_BYTES &&
  Buffer.byteLength(JSON.stringify(event)) > EVENT_LIMIT_BYTES;

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
