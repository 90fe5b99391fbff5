import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/**
 * How requests to DynamoDB are sent. The address, the region and the credentials come from the
 * environment (the SDK's own rules).
 */
export interface ClientOptions {
  /**
   * How often the client sends one request at the most; the store retries by itself and asks for 1.
   */
  readonly attempts: number;
  /** Sends the requests: a simulator or a test may put its own here. */
  readonly requestHandler?: NodeHttpHandler;
}

/**
 * A document client with its limits stated: the SDK's defaults for attempts and timeouts change
 * between releases. A request without an answer within 3 s fails as a timeout, whose result is
 * unknown.
 * @returns a client to be made once per Lambda environment.
 */
export const createDocumentClient = ({
  attempts,
  requestHandler,
}: ClientOptions): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      maxAttempts: attempts,
      retryMode: 'standard',
      requestHandler:
        requestHandler ??
        new NodeHttpHandler({
          connectionTimeout: 1_000,
          requestTimeout: 3_000,
          throwOnRequestTimeout: true,
        }),
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
