import type { NoneOf } from '../request/if-none-match.ts';
import type { HttpAnswer } from './http-answer.ts';

/**
 * Spares a client an answer that it has already (RFC 9110, 13.2.2 and 15.4.5).
 * @param answer 200, with its `ETag`; an answer without one is always given.
 * @param noneOf the request's `If-None-Match`.
 * @returns the answer, or 304 with the headers that say which it would have been, and no body.
 */
export const unlessKnown = (answer: HttpAnswer, noneOf: NoneOf | undefined): HttpAnswer => {
  const { ETag } = answer.headers;
  if (noneOf === undefined || ETag === undefined || (noneOf !== '*' && !noneOf.has(ETag)))
    return answer;
  const { 'Content-Type': _, ...headers } = answer.headers;
  return { statusCode: 304, headers, body: '' };
};
