/** An answer of DynamoDB, whatever its status. */
export interface DynamoDbAnswer {
  readonly status: number;
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * Reads an answer in HTTP/1.1 from the bytes that came over a connection so far.
 * @returns undefined while it is not whole.
 * @throws Error where the bytes are no answer of DynamoDB Local, which gives the length of a short
 *   one and sends a long one in chunks.
 */
export const readAnswer = (received: Buffer): DynamoDbAnswer | undefined => {
  const endOfHead = received.indexOf('\r\n\r\n');
  if (endOfHead === -1) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, endOfHead).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const isChunked = headers['transfer-encoding'] === 'chunked';
  const length = Number(headers['content-length']);
  if (Number.isNaN(status) || (!isChunked && Number.isNaN(length)))
    throw new Error(`DynamoDB answered in a form not known here: ${statusLine}`);
  const begin = endOfHead + 4;
  if (!isChunked && received.length < begin + length) return undefined;
  const body = isChunked ? readChunks(received, begin) : received.subarray(begin, begin + length);
  return body && { status, headers, body };
};

/** @returns undefined while the last chunk, an empty one, is not there. */
const readChunks = (received: Buffer, begin: number): Buffer | undefined => {
  const chunks: Buffer[] = [];
  for (let at = begin; ; ) {
    const endOfLine = received.indexOf('\r\n', at);
    if (endOfLine === -1) return undefined;
    const from = endOfLine + 2;
    const length = Number.parseInt(received.toString('latin1', at, endOfLine), 16);
    if (Number.isNaN(length)) throw new Error('DynamoDB sent a chunk without its length');
    at = from + length + 2;
    if (received.length < at) return undefined;
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(received.subarray(from, from + length));
  }
};
