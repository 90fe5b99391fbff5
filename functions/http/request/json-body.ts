import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Problem } from '../answer/problem.ts';
import { parseExactly } from './exact-json.ts';

/** The largest body that is read, in bytes: many times what any command needs. */
const MAX_BODY_BYTES = 16 * 1024;

/** A body that was read, or why it was not. */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a request's body as JSON.
 * @param event the request; API Gateway hands over some bodies in base64.
 * @returns what it says, or 415, 413 or 400.
 */
export const readJsonBody = ({ headers, body = '', isBase64Encoded }: APIGatewayProxyEventV2): JsonBody => {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  if (mediaType.trim().toLowerCase() !== 'application/json') {
    return refused({
      code: 'unsupported_media_type',
      detail: 'Send the body as JSON, with Content-Type: application/json.',
    });
  }
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) {
    return refused({
      code: 'body_too_large',
      detail: `The body has ${bytes.length} bytes; at most ${MAX_BODY_BYTES} are read.`,
    });
  }
  try {
    return { ok: true, value: parseExactly(utf8.decode(bytes)) };
  } catch {
    return refused({
      code: 'malformed_json',
      detail: 'The body cannot be read as JSON in UTF-8, each name once in its object.',
    });
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const refused = (problem: Problem): JsonBody => ({ ok: false, problem });
