import { Agent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as SecureAgent } from 'node:https';
import { gunzipSync } from 'node:zlib';
import type { FuzzRequest } from './requests.ts';

/** An answer, as it came. */
export interface FuzzAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** No answer takes longer: API Gateway's own limit is 30 seconds. */
const LONGEST_MS = 40_000;

/**
 * Sends requests as they are, which `fetch` would tidy up.
 * @param url of the API.
 * @param parallel how many connections are kept.
 * @param token sent with every request that shows none of its own; absent: none is.
 */
export const createSender = (url: string, parallel: number, token?: string) => {
  const { protocol, hostname, port, host, pathname } = new URL(url);
  const isSecure = protocol === 'https:';
  const agent = new (isSecure ? SecureAgent : Agent)({ keepAlive: true, maxSockets: parallel });
  const authorization = token === undefined ? [] : ['Authorization', `Bearer ${token}`];
  const base = pathname.replace(/\/$/, '');

  /** @throws {Error} where no answer comes. */
  const send = ({ method, target, headers, body }: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const shows = headers.some(([name]) => name.toLowerCase() === 'authorization');
      const length = body ? ['Content-Length', String(body.length)] : [];
      const sent = (isSecure ? requestHttps : requestHttp)(
        {
          ...{ agent, hostname, port, method, path: `${base}${target}` },
          headers: ['Host', host, ...(shows ? [] : authorization), ...headers.flat(), ...length],
          signal: AbortSignal.timeout(LONGEST_MS),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            const isCompressed =
              response.headers['content-encoding'] === 'gzip' && bytes.length > 0;
            try {
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                text: (isCompressed ? gunzipSync(bytes) : bytes).toString(),
              });
            } catch (error) {
              reject(error);
            }
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });

  return { send, close: () => agent.destroy() };
};

/** Beyond, a command is no longer read by anybody. */
const SHOWN_BYTES = 4_000;

/** A request as a command for a shell. */
export const toCurl = (url: string, { method, target, headers, body }: FuzzRequest): string =>
  [
    method === 'HEAD' ? 'curl -I --path-as-is' : `curl -i -X ${method} --path-as-is`,
    quoted(`${url}${target}`),
    // A header without a value ends in a semicolon.
    ...headers.map(
      ([name, value]) => `-H ${quoted(value === '' ? `${name};` : `${name}: ${value}`)}`,
    ),
    ...(body ? [`--data-binary ${bodyOf(body)}`] : []),
  ].join(' ');

const bodyOf = (body: Buffer): string => {
  const shown = body.subarray(0, SHOWN_BYTES);
  const text = shown.toString();
  const printable = /^[\x20-\x7e]*$/.test(text)
    ? quoted(text)
    : `@<(base64 -d <<< ${shown.toString('base64')})`;
  return body.length > SHOWN_BYTES ? `${printable} # of ${body.length} bytes` : printable;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
