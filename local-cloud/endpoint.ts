import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { DynamoDbAnswer } from './dynamodb/answer.ts';
import type { DynamoDbConnection } from './dynamodb/connection.ts';
import { accessKeyIdOf } from './lambda/environment.ts';

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
   * Puts an interceptor in front of the services, behind those that are there already.
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
}

/**
 * Starts the one endpoint through which the functions reach DynamoDB and Step Functions. It knows
 * the caller by the access key id in the signature, since each function has its own.
 */
export const startEndpoint = async (options: EndpointOptions): Promise<Endpoint> => {
  const callers = new Map<string, string>();
  for (const name of options.functionNames) {
    const other = callers.get(accessKeyIdOf(name));
    if (other) throw new Error(`The endpoint cannot tell the functions ${other} and ${name} apart`);
    callers.set(accessKeyIdOf(name), name);
  }
  let interceptors: readonly Interceptor[] = [];

  const answer = async (incoming: IncomingMessage): Promise<EndpointResponse> => {
    const body = await readAll(incoming);
    const target = String(incoming.headers['x-amz-target'] ?? '');
    const service = serviceOf(target);
    const functionName = callers.get(accessKeyIdIn(incoming));
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
    if (interceptors.length === 0) return forward();
    const call = { functionName, service, operation, body };
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

const awsError = (type: string, message: string): EndpointResponse => ({
  status: 400,
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

const accessKeyIdIn = (incoming: IncomingMessage): string =>
  credential.exec(incoming.headers.authorization ?? '')?.[1] ?? '';

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
