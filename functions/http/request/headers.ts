import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { InvalidPart } from '../answer/problem.ts';
import { cameTwice } from './came-twice.ts';

/**
 * What is wrong with the headers of any request that changes something, whatever its route takes.
 *
 * Of a list a client may send several lines (RFC 9110, 5.3): `If-Match`, `Prefer` and
 * `Content-Encoding` are read as one. Of anything else there is one, and which of two is meant is
 * not to be guessed.
 * @param event the request, its headers' names in lower case.
 * @returns nothing where they are all right.
 */
export const invalidHeaders = ({ headers }: APIGatewayProxyEventV2): readonly InvalidPart[] => {
  const {
    'content-type': contentType = '',
    'content-length': contentLength,
    'if-none-match': ifNoneMatch,
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
  return found;
};

const QUOTED = /"(?:[^"\\]|\\.)*"/g;
