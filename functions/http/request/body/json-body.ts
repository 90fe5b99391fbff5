import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Problem } from '../../answer/problem.ts';
import { cameTwice } from '../came-twice.ts';
import { parseExactly } from './exact-json.ts';

/** The largest body that is read, in bytes: many times what any command needs. */
const MAX_BODY_BYTES = 16 * 1024;

/** A body that was read, or why it was not. */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a request's body as JSON. A byte that is no UTF-8 may have been replaced on the way: that
 * text is not what the client sent, so it is refused like the byte itself.
 * @param event the request; API Gateway hands over some bodies in base64.
 * @param most the largest body that is read, in bytes.
 * @returns what it says, or 415, 413 or 400.
 */
export const readJsonBody = (
  { headers, body = '', isBase64Encoded }: APIGatewayProxyEventV2,
  most = MAX_BODY_BYTES,
): JsonBody => {
  if (isEncoded(headers['content-encoding'] ?? '')) {
    return refused({
      code: 'unsupported_media_type',
      detail: 'Send the body as it is, without Content-Encoding.',
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  if (mediaType.trim().toLowerCase() !== 'application/json') {
    return refused({
      code: 'unsupported_media_type',
      detail: 'Send the body as JSON, with Content-Type: application/json.',
    });
  }
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > most) {
    return refused({
      code: 'body_too_large',
      detail: `The body has ${bytes.length} bytes; at most ${most} are read.`,
    });
  }
  if (!isBase64Encoded && wasReplaced(body, bytes.length, headers['content-length']))
    return refused(malformed);
  try {
    return { ok: true, value: parseExactly(utf8.decode(bytes)) };
  } catch {
    return refused(malformed);
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const malformed: Problem = {
  code: 'malformed_json',
  detail:
    'The body cannot be read as JSON in UTF-8, each name once in its object and none of them __proto__.',
};

/** Whether codings were applied to the body (RFC 9110, 8.4: a list). `identity` is none. */
const isEncoded = (contentEncoding: string): boolean =>
  contentEncoding
    .split(',')
    .some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase()));

/**
 * Whether something on the way put a U+FFFD into the text for bytes that are not UTF-8: then the
 * text's length differs from the body's. (A sequence that was cut off after three of its four bytes
 * has the same length, and is not noticed here.)
 * @param length of the text in UTF-8, in bytes.
 * @param contentLength the header; without it there is nothing to compare with.
 */
const wasReplaced = (text: string, length: number, contentLength: string | undefined): boolean =>
  text.includes('\ufffd') &&
  contentLength !== undefined &&
  Number(cameTwice(contentLength) ?? contentLength) !== length;

const refused = (problem: Problem): JsonBody => ({ ok: false, problem });
