import type { IncomingHttpHeaders } from 'node:http';
import type { FuzzAnswer } from '../send.ts';

/** The answers that were read of a connection's bytes. */
export interface Parsed {
  readonly answers: readonly FuzzAnswer[];
}

/**
 * Reads the answers that are whole; those of `1xx` are passed over.
 * @param methods of the requests, in order: HEAD has no body.
 * @param isClosed whether nothing more comes, which ends an answer that does not say how long it is.
 * @throws {Error} where the bytes are no HTTP/1.1.
 */
export const parseAnswers = (
  bytes: Buffer,
  methods: readonly string[],
  isClosed: boolean,
): Parsed => {
  const answers: FuzzAnswer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) break;
    const [statusLine = '', ...lines] = rest.subarray(0, headEnd).toString('latin1').split('\r\n');
    const [, digits = ''] = /^HTTP\/1\.1 (\d{3})(?: .*)?$/.exec(statusLine) ?? [];
    const status = Number(digits);
    if (status === 0) throw new Error(`"${statusLine.slice(0, 100)}" begins no answer`);
    rest = rest.subarray(headEnd + 4);
    if (status < 200) continue;
    const headers = headersOf(lines);
    const isBodyless = methods[answers.length] === 'HEAD' || status === 204 || status === 304;
    const length = isBodyless ? 0 : lengthOf(headers, rest, isClosed);
    if (length === undefined || rest.length < length) break;
    answers.push({ status, headers, text: rest.subarray(0, length).toString() });
    rest = rest.subarray(length);
  }
  return { answers };
};

const headersOf = (lines: readonly string[]): IncomingHttpHeaders => {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`"${line.slice(0, 100)}" is no header`);
    const name = line.slice(0, colon).toLowerCase();
    if (name in headers) throw new Error(`${name} is there twice`);
    headers[name] = line.slice(colon + 1).trim();
  }
  return headers;
};

/** @returns `undefined`: it is not known yet. */
const lengthOf = (
  headers: IncomingHttpHeaders,
  rest: Buffer,
  isClosed: boolean,
): number | undefined => {
  const said = headers['content-length'];
  if (said !== undefined) return Number(said);
  if (headers['transfer-encoding'] !== undefined)
    throw new Error('it is in chunks, and every answer of the gateway has its length');
  return isClosed ? rest.length : undefined;
};
