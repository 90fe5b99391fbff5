import { Readable } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';

/** A request of the SDK on its way to DynamoDB. */
export type HttpRequest = Parameters<NodeHttpHandler['handle']>[0];
/** The response that the SDK gets for it. */
export type Handled = Awaited<ReturnType<NodeHttpHandler['handle']>>;

/** An answer, its body as text. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The headers of DynamoDB's own answers. */
export const JSON_HEADERS = { 'content-type': 'application/x-amz-json-1.0' };

/** An error as DynamoDB answers it. */
export const refusal = (type: string, fields: object = {}, statusCode = 400): Answer => ({
  statusCode,
  headers: JSON_HEADERS,
  body: JSON.stringify({
    __type: `com.amazonaws.dynamodb.v20120810#${type}`,
    message: 'the weather',
    ...fields,
  }),
});

/** Reads the whole answer that the SDK would read. */
export const readAnswer = async ({ response }: Handled): Promise<Answer> => {
  const parts: Buffer[] = [];
  for await (const part of response.body ?? []) parts.push(Buffer.from(part));
  // Neither header is true once the body has changed.
  const { 'x-amz-crc32': _, 'content-length': __, ...headers } = response.headers;
  return { statusCode: response.statusCode, headers, body: Buffer.concat(parts).toString('utf8') };
};

/** An answer as the SDK reads it. */
export const handled = ({ statusCode, headers, body }: Answer): Handled => ({
  response: { statusCode, headers, body: Readable.from([Buffer.from(body)]) },
});

/** A failure of the connection, as node and the SDK show it. */
export const failure = (fields: { readonly name?: string; readonly code?: string }): Error =>
  Object.assign(new Error('the weather'), fields);
