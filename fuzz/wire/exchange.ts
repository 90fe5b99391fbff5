import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FuzzAnswer } from '../send.ts';
import { type Parsed, parseAnswers } from './parse-answers.ts';

/** Bytes for one connection, with pauses between them. */
export interface WireExchange {
  /** What is odd about it. */
  readonly name: string;
  readonly parts: readonly Buffer[];
  /** Between two parts, in milliseconds. */
  readonly pauseMs: number;
  /**
   * What the client does after its last byte. `wait`: reads. `end`: says that it has sent all, and
   * reads. `cut`: destroys the connection. `reset`: the same, and throws away what comes.
   */
  readonly ending: 'wait' | 'end' | 'cut' | 'reset';
  /** The requests in it, in order, and how each is to be answered. Nothing may come after them. */
  readonly expected: readonly Expected[];
}

/** A request that stands in the bytes. */
export interface Expected {
  readonly method: string;
  readonly target: string;
  /**
   * `answered`: as the document says of such a request. `refused`: by the gateway, with a status of
   * 400 to 499, since it is no HTTP. `either`: HTTP leaves it open. `strange`: it names a host that
   * is none of the API's, so that no document says anything of it; the gateway forbids it.
   */
  readonly as: 'answered' | 'refused' | 'either' | 'strange';
}

/** No answer takes longer: API Gateway's own limit is 30 seconds. */
const LONGEST_MS = 40_000;

/**
 * Writes the bytes of an exchange to a connection of its own.
 * @param url of an API over plain HTTP.
 * @returns the answers, as many as were expected or came before the connection ended.
 * @throws {Error} where they do not come in time, or are no HTTP.
 */
export const sendOnWire = async (
  url: string,
  { parts, pauseMs, ending, expected }: WireExchange,
): Promise<readonly FuzzAnswer[]> => {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 80), noDelay: true });
  const received: Buffer[] = [];
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  const methods = expected.map(({ method }) => method);
  const readSoFar = (isClosed: boolean): Parsed =>
    parseAnswers(Buffer.concat(received), methods, isClosed);
  let isClosed = false;
  socket.on('data', (bytes) => {
    received.push(bytes);
    try {
      if (readSoFar(false).answers.length >= expected.length) resolve();
    } catch (error) {
      reject(error);
    }
  });
  // A connection that is reset has ended: what came before counts.
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
    resolve();
  });
  const timer = setTimeout(() => {
    const { length } = readSoFar(false).answers;
    reject(new Error(`${length} of ${expected.length} answers in ${LONGEST_MS / 1_000} seconds`));
  }, LONGEST_MS);
  try {
    for (const [index, part] of parts.entries()) {
      if (index > 0 && pauseMs > 0) await sleep(pauseMs);
      if (socket.destroyed) break;
      if (!socket.write(part)) await drained(socket);
    }
    if (ending === 'cut' || ending === 'reset') {
      if (ending === 'reset') socket.resetAndDestroy();
      return [];
    }
    if (ending === 'end') socket.end();
    await over;
    return readSoFar(isClosed).answers;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
};

const drained = (socket: ReturnType<typeof connect>): Promise<void> =>
  new Promise((resolve) => {
    socket.once('drain', resolve).once('close', resolve);
    if (socket.destroyed) resolve();
  });

/** Beyond, a command is no longer read by anybody. */
const SHOWN_BYTES = 4_000;

/** An exchange as a command for a shell: its bytes, without the pauses. */
export const toNetcat = (url: string, { parts, pauseMs, ending }: WireExchange): string => {
  const { hostname, port } = new URL(url);
  const bytes = Buffer.concat(parts);
  const shown = bytes.subarray(0, SHOWN_BYTES).toString('base64');
  const more = bytes.length > SHOWN_BYTES ? `, ${bytes.length} bytes in all` : '';
  return `base64 -d <<< ${shown} | nc ${hostname} ${port} # ${parts.length} parts, ${pauseMs} ms between them, then ${ending}${more}`;
};
