import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { InvalidPart } from '../answer/problem.ts';
import { cameTwice } from './came-twice.ts';

/**
 * Finds what is wrong with the headers of a request that changes something, whatever its route.
 *
 * A client may send a list in several lines (RFC 9110, 5.3): `If-Match`, `Prefer` and
 * `Content-Encoding` are read as one. Any other header may come once, and the server must not guess
 * which of two is meant.
 * @param event the request, its headers' names in lower case.
 * @param takesIfMatch whether it is about one account, at a version that it may name.
 * @returns nothing where they are all right.
 */
export const invalidHeaders = (
  { headers }: Pick<APIGatewayProxyEventV2, 'headers'>,
  takesIfMatch: boolean,
): readonly InvalidPart[] => {
  const {
    'content-type': contentType = '',
    'content-length': contentLength,
    'if-none-match': ifNoneMatch,
    'if-match': ifMatch,
  } = headers;
  const found: InvalidPart[] = [];
  // RFC 9110, 8.3: one media type. Outside quotes no media type has a comma.
  if (contentType.replaceAll(QUOTED, '').includes(',')) {
    found.push({ path: 'Content-Type', message: 'must be one media type' });
  }
  // RFC 9110, 8.6: the same number twice is that number; anything else cannot be trusted to say
  // where the body ends.
  if (contentLength !== undefined && !/^\d+$/.test(cameTwice(contentLength) ?? contentLength)) {
    found.push({ path: 'Content-Length', message: 'must be one number' });
  }
  if (ifNoneMatch !== undefined) {
    found.push({
      path: 'If-None-Match',
      message: 'is for GET alone; If-Match names the version to decide at',
    });
  }
  // To pass over a condition would be to do what the client wanted not to be done.
  if (ifMatch !== undefined && !takesIfMatch) {
    found.push({
      path: 'If-Match',
      message: 'names the version of one account; this is about several',
    });
  }
  return found;
};

const QUOTED = /"(?:[^"\\]|\\.)*"/g;
