import type { Random } from '../../testing/random.ts';
import type { Expected, WireExchange } from './exchange.ts';

/**
 * Makes exchanges on the wire, all that `node:http` would not send.
 * @param host of the API, as a client names it: `127.0.0.1:3000`.
 * @param accountIds of accounts that are there.
 * @param authorization header lines of whoever may pay money in to them.
 */
export const createWireCases = (
  random: Random,
  host: string,
  accountIds: readonly string[],
  authorization: () => readonly string[],
): (() => WireExchange) => {
  const named = `Host: ${host}`;
  const health: Expected = { method: 'GET', target: '/health', as: 'answered' };
  const deposits = () => `/accounts/${random.oneOf(accountIds)}/deposits`;

  const exchange = (
    name: string,
    bytes: Buffer | string,
    expected: readonly Expected[],
    more: Partial<WireExchange> = {},
  ): WireExchange => ({
    name,
    parts: [Buffer.from(bytes)],
    pauseMs: 0,
    ending: 'wait',
    expected,
    ...more,
  });
  const refused = (name: string, bytes: Buffer | string) =>
    exchange(name, bytes, [{ ...health, as: 'refused' }]);
  const strange = (name: string, bytes: string) =>
    exchange(name, bytes, [{ ...health, as: 'strange' }]);
  const either = (name: string, bytes: Buffer | string) =>
    exchange(name, bytes, [{ ...health, as: 'either' }]);
  const answered = (name: string, bytes: Buffer | string, what: Partial<Expected> = {}) =>
    exchange(name, bytes, [{ ...health, ...what }]);

  const get = (...headers: readonly string[]): string =>
    head('GET /health HTTP/1.1', named, ...headers);
  /** A deposit whose body is written as it is. */
  const post = (target: string, headers: readonly string[], body: string): string =>
    head(
      `POST ${target} HTTP/1.1`,
      named,
      'Content-Type: application/json',
      ...authorization(),
      ...headers,
    ) + body;
  const deposited = (name: string, headers: readonly string[], body: string) => {
    const target = deposits();
    return answered(name, post(target, headers, body), { method: 'POST', target });
  };
  const refusedDeposit = (name: string, headers: readonly string[], body = '{"amount":1}') => {
    const target = deposits();
    const expected: Expected = { method: 'POST', target, as: 'refused' };
    return exchange(name, post(target, headers, body), [expected]);
  };
  const inBytes = (text: string, size: number): Buffer[] =>
    Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      Buffer.from(text.slice(index * size, (index + 1) * size)),
    );
  const aBody = '{"amount":1}';
  const whole = (target = deposits()) => post(target, [`Content-Length: ${aBody.length}`], aBody);
  const cutSomewhere = (text: string) => text.slice(0, random.between(1, text.length - 1));

  const cases: readonly (() => WireExchange)[] = [
    () => answered('HTTP/1.0', head('GET /health HTTP/1.0', named)),
    () => strange('HTTP/1.0 without Host', head('GET /health HTTP/1.0')),
    () => answered('HTTP/1.0, kept', head('GET /health HTTP/1.0', named, 'Connection: keep-alive')),
    () => refused('HTTP/0.9', 'GET /health\r\n\r\n'),
    () => refused('another version', head(`GET /health HTTP/${random.oneOf(versions)}`, named)),
    () => refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => refused('no Host', head('GET /health HTTP/1.1')),
    () => refused('two Hosts', head('GET /health HTTP/1.1', `Host: ${host}`, `Host: ${host}`)),
    () =>
      refused('Host is no host', head('GET /health HTTP/1.1', `Host: ${random.oneOf(noHosts)}`)),
    () => strange('an empty Host', head('GET /health HTTP/1.1', 'Host:')),
    // AWS knows an API by its host; and a page that was led here by its own name is nobody's client.
    () => strange('a stranger', head('GET /health HTTP/1.1', `Host: ${random.oneOf(strangers)}`)),
    () => answered('a whole URL', head('GET http://other.example/health HTTP/1.1', named)),
    () => refused('CONNECT', head('CONNECT other.example:443 HTTP/1.1', named)),
    () =>
      answered('an asterisk', head('OPTIONS * HTTP/1.1', named), {
        method: 'OPTIONS',
        target: '*',
      }),
    () => {
      const method = random.oneOf(knownMethods);
      return answered(`${method}`, head(`${method} /health HTTP/1.1`, named), { method });
    },
    () => refused('no method', head(`${random.oneOf(noMethods)} /health HTTP/1.1`, named)),
    () => refused('no target', head('GET HTTP/1.1', named)),
    () => refused('a target with a space', head('GET /health /health HTTP/1.1', named)),
    () => refused('a target that is no path', head('GET health HTTP/1.1', named)),
    () => answered('lines before the request', `\r\n\r\n${get()}`),
    () => either('lines that end in LF', get().replaceAll('\r\n', '\n')),
    () => refused('lines that end in CR', `${get().replaceAll('\r\n', '\r')}\r\n\r\n`),
    () => refused('a header of no form', get(random.oneOf(noHeaders))),
    () => either('a header of odd form', get(random.oneOf(oddHeaders))),
    () => refused('a header with NUL', Buffer.from(get('X-A: a\0b'))),
    () => answered('bytes over 127 in a header', Buffer.from(get('X-A: \xff\xfe'), 'latin1')),
    () => answered('200 headers', get(...Array.from({ length: 200 }, (_, n) => `X-${n}: ${n}`))),
    () => refused('too many headers', get(...Array.from({ length: 3_000 }, (_, n) => `X-${n}: n`))),
    () => refused('a header of 100 KB', get(`X-A: ${'x'.repeat(100_000)}`)),
    () => refused('a URL of 100 KB', head(`GET /${'x'.repeat(100_000)} HTTP/1.1`, named)),
    () => answered('Expect: anything', get('Expect: 200-ok')),
    () => deposited('Expect', ['Expect: 100-continue', `Content-Length: ${aBody.length}`], aBody),
    () => answered('Upgrade', get('Connection: Upgrade', `Upgrade: ${random.oneOf(protocols)}`)),
    () =>
      answered(
        'Upgrade to HTTP/2',
        get(
          'Connection: Upgrade, HTTP2-Settings',
          'Upgrade: h2c',
          'HTTP2-Settings: AAMAAABkAAQAAP__',
        ),
      ),
    () => answered('Connection names others', get('Connection: host, x-amzn-trace-id, te')),
    () => deposited('chunks', [CHUNKED], 'c\r\n{"amount":1}\r\n0\r\n\r\n'),
    () =>
      deposited(
        'chunks of a byte, with an extension and a trailer',
        [CHUNKED, 'Trailer: X-A'],
        `${[...aBody].map((letter) => `1;a="b"\r\n${letter}\r\n`).join('')}0\r\nX-A: b\r\n\r\n`,
      ),
    () =>
      refusedDeposit('chunks of no size', [CHUNKED], `${random.oneOf(noSizes)}\r\n{}\r\n0\r\n\r\n`),
    () =>
      refusedDeposit('a chunk longer than it says', [CHUNKED], '2\r\n{"amount":1}\r\n0\r\n\r\n'),
    () =>
      refusedDeposit(
        'a length and chunks',
        ['Content-Length: 12', CHUNKED],
        '0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n',
      ),
    () => refusedDeposit('chunks that are not last', ['Transfer-Encoding: chunked, gzip']),
    () =>
      refusedDeposit('an unknown encoding', [`Transfer-Encoding: ${random.oneOf(noEncodings)}`]),
    () => refusedDeposit('no length', [`Content-Length: ${random.oneOf(noLengths)}`]),
    () => refusedDeposit('two lengths', ['Content-Length: 12', 'Content-Length: 5']),
    () => {
      const length = 10 * 1024 * 1024 + 1 + random.between(0, 1_000);
      return refusedDeposit('a length of 10 MB and more', [`Content-Length: ${length}`], '{');
    },
    () => {
      const count = random.between(2, 30);
      return exchange(
        `${count} requests at once`,
        get().repeat(count),
        Array.from({ length: count }, () => health),
      );
    },
    () => {
      const requests = Array.from({ length: random.between(2, 8) }, () => deposits());
      return exchange(
        'commands and queries at once',
        requests.map((target) => whole(target) + head('HEAD /health HTTP/1.1', named)).join(''),
        requests.flatMap((target): Expected[] => [
          { method: 'POST', target, as: 'answered' },
          { method: 'HEAD', target: '/health', as: 'answered' },
        ]),
      );
    },
    () =>
      exchange('rubbish after a request', `${get()}\x01\x02\r\n\r\n`, [
        health,
        { ...health, as: 'refused' },
      ]),
    () => {
      const target = deposits();
      return exchange('a body longer than it says', `${whole(target)}}}}}\r\n\r\n`, [
        { method: 'POST', target, as: 'answered' },
        { ...health, as: 'refused' },
      ]);
    },
    () =>
      exchange('byte by byte', '', [health], {
        parts: inBytes(get(), 1),
        pauseMs: random.oneOf([0, 2]),
      }),
    () => {
      const target = deposits();
      return exchange('slowly', '', [{ method: 'POST', target, as: 'answered' }], {
        parts: inBytes(whole(target), 20),
        pauseMs: random.between(5, 50),
      });
    },
    () => {
      const target = deposits();
      const expected: Expected = { method: 'POST', target, as: 'answered' };
      return exchange('sent and ended', whole(target), [expected], { ending: 'end' });
    },
    () => exchange('cut in the request', cutSomewhere(whole()), [], { ending: 'cut' }),
    () => exchange('cut after the request', whole(), [], { ending: 'cut' }),
    () => exchange('reset in the request', cutSomewhere(whole()), [], { ending: 'reset' }),
    () => exchange('reset after the request', whole(), [], { ending: 'reset' }),
    () =>
      exchange(
        'ended in the head',
        get().slice(0, random.between(1, 20)),
        [{ ...health, as: 'refused' }],
        {
          ending: 'end',
        },
      ),
    () => refused('TLS', Buffer.from('16030100c2010000be0303', 'hex')),
    () =>
      refused(
        'no HTTP at all',
        Buffer.from([
          0,
          ...Array.from({ length: random.between(1, 200) }, () => random.between(0, 255)),
        ]),
      ),
    () => refused('a line of 20 KB', 'x'.repeat(20_000)),
  ];
  /** Each of them takes tens of milliseconds of a processor. */
  const heavyCases: readonly (() => WireExchange)[] = [
    () => {
      const body = `{"amount":1,"reference":"${'x'.repeat(random.between(1, 5) * 1024 * 1024)}"}`;
      return deposited('a body of some MB', [`Content-Length: ${body.length}`], body);
    },
    () => {
      const size = 10 * 1024 * 1024 - random.between(0, 1);
      const body = `{"amount":1,"reference":"${'x'.repeat(size)}`.slice(0, size);
      return refusedDeposit('a body of 10 MB', [`Content-Length: ${size}`], body);
    },
    () => {
      const size = 10 * 1024 * 1024 + 1;
      const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
      const name = 'chunks of more than 10 MB';
      return refusedDeposit(
        name,
        [CHUNKED],
        `${chunk.repeat(Math.ceil(size / 0x100000))}0\r\n\r\n`,
      );
    },
    () => {
      const size = 10 * 1024 * 1024 + random.between(1, 1_000_000);
      return refusedDeposit(
        'a body of more than 10 MB',
        [`Content-Length: ${size}`],
        'x'.repeat(size),
      );
    },
  ];
  return () => random.oneOf(random.chance(0.02) ? heavyCases : cases)();
};

const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

const CHUNKED = 'Transfer-Encoding: chunked';
const versions: readonly string[] = ['9.9', '2.0', '1.10', '1', 'x', '-1.1'];
const noHosts: readonly string[] = ['a b', 'a/b', 'a@b', 'x:y:z', '<script>', '[::1'];
const strangers: readonly string[] = [
  ...[
    'x',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '0.0.0.0',
    '8.8.8.8',
  ],
];
const knownMethods: readonly string[] = [
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'M-SEARCH', 'LINK'],
];
const noMethods: readonly string[] = ['FOO', 'get', 'G\tET', 'GET/', 'X'.repeat(500), '(', 'Gét'];
const noHeaders: readonly string[] = ['no colon', ': no name', 'X A: a', 'X-A : a', 'X\u0001A: a'];
const oddHeaders: readonly string[] = [
  'X-A: a\r\n b',
  'X-A:',
  'X-A:\t\ta\t',
  'X-A: a\u0001b',
  'X-A: a\x7fb',
];
const protocols: readonly string[] = ['websocket', 'h2c', 'TLS/1.0', 'x'];
const noSizes: readonly string[] = ['xyz', '-2', '0x2', 'ffffffffffffffffff', '', '2 2'];
const noEncodings: readonly string[] = ['gzip', 'identity', 'x', 'chunked, chunked', 'chunkedx'];
const noLengths: readonly string[] = [
  ...['-1', 'x', '', '1.5', '0x10', '1e1', '12, 13', '+12', '99999999999999999999999'],
];
