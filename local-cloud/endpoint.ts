import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { DynamoDbAnswer } from './dynamodb/answer.ts';
import type { DynamoDbConnection } from './dynamodb/connection.ts';
import type { Guard } from './iam/guard.ts';
import { isLoopback } from './iam/loopback.ts';

/** One request of a function to a service. */
export interface EndpointCall {
  /** The `FunctionName` of the caller. */
  readonly functionName: string;
  /** Prefix of the IAM actions. */
  readonly service: Service;
  /** E.g. `PutItem`. */
  readonly operation: string;
  /** JSON, as the function sent it. */
  readonly body: Buffer;
}

type Service = 'dynamodb' | 'states';

/** The answer of a service. */
export type EndpointResponse = DynamoDbAnswer;

/**
 * Stands between the functions and the services: it may answer itself, look, wait, or forward, in
 * any order. If it rejects, the function's connection ends without an answer, as in a network
 * failure.
 *
 * @param forward passes the call on, to the next interceptor and in the end to the service. Called
 *   at most once.
 */
export type Interceptor = (
  call: EndpointCall,
  forward: () => Promise<EndpointResponse>,
) => Promise<EndpointResponse>;

/** The services that the functions see. */
export interface Endpoint {
  /** What stands in the functions' `AWS_ENDPOINT_URL_*`. */
  readonly url: string;
  /**
   * The access key id by which the endpoint knows a function. It is made anew with every start, so
   * that nothing else on this machine can guess it, another function included.
   * @throws {Error} where there is no such function.
   */
  accessKeyIdOf(functionName: string): string;
  /**
   * Puts an interceptor in front of the services, behind those that are there already. It sees what
   * its function may ask for.
   *
   * @returns a function that removes it.
   */
  intercept(interceptor: Interceptor): () => void;
  stop(): Promise<void>;
}

/** What is behind the endpoint, and which functions may call. */
export interface EndpointOptions {
  /** DynamoDB Local, and this cloud's database in it. */
  readonly dynamodb: Pick<DynamoDbConnection, 'send'>;
  /**
   * Told of every write that succeeded, before the function is.
   * @param body JSON, which names the tables.
   */
  readonly onWrite: (body: Buffer) => void;
  /** @param target the `X-Amz-Target` of the request. */
  readonly stepFunctions: (
    target: string,
    body: string,
  ) => Promise<{ status: number; body: string }>;
  readonly functionNames: readonly string[];
  /** Refuses what a function may not do. */
  readonly guard: Guard;
}

/**
 * Starts the one endpoint through which the functions reach DynamoDB and Step Functions. It knows
 * the caller by the access key id in the signature, since each function has its own, and holds every
 * request to the caller's role.
 */
export const startEndpoint = async (options: EndpointOptions): Promise<Endpoint> => {
  const keys = new Map(options.functionNames.map((name) => [name, newAccessKeyId()]));
  const callers = new Map([...keys].map(([name, key]) => [key, name]));
  let interceptors: readonly Interceptor[] = [];

  const answer = async (incoming: IncomingMessage): Promise<EndpointResponse> => {
    const { headers } = incoming;
    if (headers.origin !== undefined || !isLoopback(headers.host))
      return awsError('AccessDeniedException', 'A web page may not ask this.', 403);
    const body = await readAll(incoming);
    const target = String(incoming.headers['x-amz-target'] ?? '');
    const service = serviceOf(target);
    if (headers.authorization === undefined)
      return awsError(
        'MissingAuthenticationTokenException',
        'Request is missing Authentication Token',
      );
    const functionName = callers.get(accessKeyIdIn(headers.authorization));
    if (!functionName)
      return awsError(
        'UnrecognizedClientException',
        'The security token in the request is invalid.',
      );
    if (!service)
      return awsError('UnknownOperationException', `Holdfast local has no operation "${target}".`);

    const operation = target.slice(target.indexOf('.') + 1);
    const forward = async (): Promise<EndpointResponse> => {
      if (service === 'dynamodb') {
        const answered = await options.dynamodb.send(target, body);
        if (answered.status === 200 && writeOperations.has(operation)) options.onWrite(body);
        return answered;
      }
      const { status, body: text } = await options.stepFunctions(target, body.toString());
      return { status, headers: jsonHeaders, body: Buffer.from(text) };
    };
    const call = { functionName, service, operation, body };
    const refused = options.guard(call);
    if (refused) return refused;
    if (interceptors.length === 0) return forward();
    return interceptors.reduceRight<() => Promise<EndpointResponse>>(
      (next, interceptor) => () => interceptor(call, next),
      forward,
    )();
  };

  const server = createServer({ keepAliveTimeout: 0 }, (incoming, outgoing) => {
    answer(incoming).then(
      (response) => send(outgoing, response),
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The endpoint has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    accessKeyIdOf: (functionName) => {
      const key = keys.get(functionName);
      if (key === undefined) throw new Error(`The endpoint knows no function ${functionName}`);
      return key;
    },
    intercept: (interceptor) => {
      interceptors = [...interceptors, interceptor];
      return () => {
        interceptors = interceptors.filter((other) => other !== interceptor);
      };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** The headers of every answer of an AWS service in JSON 1.0. */
const jsonHeaders = { 'content-type': 'application/x-amz-json-1.0' };

const awsError = (type: string, message: string, status = 400): EndpointResponse => ({
  status,
  headers: jsonHeaders,
  body: Buffer.from(JSON.stringify({ __type: type, message })),
});

const serviceOf = (target: string): Service | undefined => {
  if (target.startsWith('DynamoDB')) return 'dynamodb';
  return target.startsWith('AWSStepFunctions.') ? 'states' : undefined;
};

/**
 * Finds the access key in a signature: `Credential=KEY/20260101/us-east-1/dynamodb/aws4_request`.
 */
const credential = /Credential=([^/]+)\//;

const accessKeyIdIn = (authorization: string): string => credential.exec(authorization)?.[1] ?? '';

/** Letters and digits only, as in AWS's own. */
const newAccessKeyId = (): string => `LOCAL${randomBytes(16).toString('hex').toUpperCase()}`;

/** The operations that change a table. */
export const writeOperations: ReadonlySet<string> = new Set([
  'BatchWriteItem',
  'DeleteItem',
  'PutItem',
  'TransactWriteItems',
  'UpdateItem',
]);

/** Headers of one connection, which mean nothing on the next one. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'transfer-encoding',
]);

const send = (outgoing: ServerResponse, { status, headers, body }: EndpointResponse): void => {
  const own: OutgoingHttpHeaders = {};
  for (const name in headers) if (!connectionHeaders.has(name)) own[name] = headers[name];
  own['content-length'] = body.length;
  outgoing.writeHead(status, own);
  outgoing.end(body);
};

const readAll = (stream: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)),
    );
    stream.on('error', reject);
    stream.on('aborted', () => reject(new Error('The connection ended early')));
  });
