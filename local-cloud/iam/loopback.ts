/**
 * Whether a request was sent to this machine by one of its own names for itself. A page in a
 * browser whose own name was made to lead here (DNS rebinding) names itself instead.
 * @param host the header `Host`.
 */
export const isLoopback = (host: string | undefined): boolean =>
  LOOPBACK.has(URL.parse(`http://${host ?? ''}`)?.hostname ?? '');

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
