/**
 * What the client itself sent that makes its request happen once, however often it sends it: its
 * `Idempotency-Key`, or the `transferId` or `postingId` that it chose. An id that this code makes is no such key:
 * the client does not know it, and the next request gets another one. What an answer may promise of
 * a repeat follows from this.
 * @param request the request as its route's schema reads it.
 * @returns in words, to follow "the same"; `undefined`: a second request may do it twice.
 */
export const repeatableBy = (request: unknown): string | undefined => {
  if (memberOf(memberOf(request, 'headers'), 'idempotency-key') !== undefined)
    return 'Idempotency-Key';
  for (const name of ['transferId', 'postingId']) {
    const id = memberOf(memberOf(request, 'body'), name);
    if (typeof id === 'string') return `${name} ${id}`;
  }
  return undefined;
};

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
