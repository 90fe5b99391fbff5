import { describe, expect, it } from 'vitest';
import { type ReceivedRequest, toEvent } from '../../../../local-cloud/api-gateway/request.ts';

const received: ReceivedRequest = {
  method: 'POST',
  target: '/accounts/a1/deposits',
  httpVersion: '1.1',
  rawHeaders: [
    'Host',
    'ledger.example:3000',
    'Content-Type',
    'application/json',
    'User-Agent',
    'curl/8',
  ],
  body: Buffer.from('{"amount":1}'),
  sourceIp: '127.0.0.1',
  at: Date.UTC(2026, 2, 5, 19, 3, 8, 123),
  requestId: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
};

const api = { accountId: '000000000000', apiId: 'api1', stage: '$default', port: 3000 };
const route = {
  routeKey: 'POST /accounts/{accountId}/deposits',
  pathParameters: { accountId: 'a1' },
};

const eventOf = (changes: Partial<ReceivedRequest>) =>
  toEvent({ ...received, ...changes }, route, api);

describe('toEvent', () => {
  it('makes the event of payload format 2.0, whole', () => {
    expect(toEvent(received, route, api)).toEqual({
      version: '2.0',
      routeKey: 'POST /accounts/{accountId}/deposits',
      rawPath: '/accounts/a1/deposits',
      rawQueryString: '',
      headers: {
        host: 'ledger.example:3000',
        'content-type': 'application/json',
        'user-agent': 'curl/8',
        'content-length': '12',
        'x-amzn-trace-id': 'Root=1-69a9d36c-0f1e2d3c4b5a69788796a5b4',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': '3000',
        'x-forwarded-proto': 'http',
      },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1',
        domainName: 'ledger.example',
        domainPrefix: 'ledger',
        http: {
          method: 'POST',
          path: '/accounts/a1/deposits',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'curl/8',
        },
        requestId: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
        routeKey: 'POST /accounts/{accountId}/deposits',
        stage: '$default',
        time: '05/Mar/2026:19:03:08 +0000',
        timeEpoch: 1_772_737_388_123,
      },
      pathParameters: { accountId: 'a1' },
      body: '{"amount":1}',
      isBase64Encoded: false,
    });
  });

  it('leaves out what has no value', () => {
    const event = toEvent(
      { ...received, method: 'GET', body: Buffer.alloc(0) },
      { routeKey: '$default', pathParameters: {} },
      api,
    );
    for (const absent of ['body', 'cookies', 'pathParameters', 'queryStringParameters']) {
      expect(event).not.toHaveProperty(absent);
    }
    expect(event.isBase64Encoded).toBe(false);
    expect(event.rawQueryString).toBe('');
  });

  it('joins repeated headers by a comma, in lower case, and takes cookies out of them', () => {
    const event = eventOf({
      rawHeaders: ['X-Tag', 'a', 'x-tag', 'b', 'Cookie', 'one=1; two=2', 'cookie', 'three=3'],
    });
    expect(event.headers['x-tag']).toBe('a,b');
    expect(event.cookies).toEqual(['one=1', 'two=2', 'three=3']);
    expect(event.headers).not.toHaveProperty('cookie');
  });

  it('keeps headers of the connection to itself and adds the client to X-Forwarded-For', () => {
    const { headers } = eventOf({
      rawHeaders: [
        'Connection',
        'keep-alive',
        'Transfer-Encoding',
        'chunked',
        'X-Forwarded-For',
        '10.0.0.1',
      ],
    });
    expect(headers).not.toHaveProperty('connection');
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(headers['x-forwarded-for']).toBe('10.0.0.1, 127.0.0.1');
  });

  it.each([
    {
      target: '/x?a=1&b=two%20words&a=3',
      raw: 'a=1&b=two%20words&a=3',
      parameters: { a: '1,3', b: 'two words' },
    },
    { target: '/x?empty=&flag', raw: 'empty=&flag', parameters: { empty: '', flag: '' } },
    {
      target: '/x?at=2026-01-01T00:00:00.000Z',
      raw: 'at=2026-01-01T00:00:00.000Z',
      parameters: { at: '2026-01-01T00:00:00.000Z' },
    },
    { target: '/x?a=b?c', raw: 'a=b?c', parameters: { a: 'b?c' } },
    { target: '/x?__proto__=1', raw: '__proto__=1', parameters: JSON.parse('{"__proto__":"1"}') },
  ])('decodes the query of $target beside the raw one', ({ target, raw, parameters }) => {
    const event = eventOf({ target });
    expect(event.rawQueryString).toBe(raw);
    expect(event.queryStringParameters).toEqual(parameters);
  });

  it.each([
    { target: '/accounts/a%20b', rawPath: '/accounts/a b' },
    { target: '/accounts/a%2Fb', rawPath: '/accounts/a/b' },
    { target: '/accounts/a%3Fb/c', rawPath: '/accounts/a' },
  ])(
    'decodes the path of $target, as API Gateway does in spite of the name',
    ({ target, rawPath }) => {
      const event = eventOf({ target });
      expect(event.rawPath).toBe(rawPath);
      expect(event.requestContext.http.path).toBe(rawPath);
    },
  );

  it('throws a URIError for a path that cannot be decoded', () => {
    expect(() => eventOf({ target: '/%' })).toThrow(URIError);
  });

  it.each(['7b22ff227d', 'c3', 'eda080', 'f09f98', 'c0af'])(
    'hands over bytes that are no UTF-8 as they are: %s',
    (hex) => {
      const event = eventOf({
        rawHeaders: ['content-type', 'application/json'],
        body: Buffer.from(hex, 'hex'),
      });
      expect(event.isBase64Encoded).toBe(true);
      expect(Buffer.from(event.body ?? '', 'base64').toString('hex')).toBe(hex);
      expect(event.headers['content-length']).toBe(String(hex.length / 2));
    },
  );

  it.each([
    { contentType: 'application/json', text: true },
    { contentType: 'application/json; charset=utf-8', text: true },
    { contentType: 'Application/JSON', text: true },
    { contentType: 'application/xml', text: true },
    { contentType: 'application/javascript', text: true },
    { contentType: 'text/csv', text: true },
    { contentType: 'application/problem+json', text: false },
    { contentType: 'application/x-www-form-urlencoded', text: false },
    { contentType: 'application/octet-stream', text: false },
    { contentType: undefined, text: false },
  ])('hands over a body of type $contentType as text: $text', ({ contentType, text }) => {
    const body = 'größer';
    const event = eventOf({
      rawHeaders: contentType === undefined ? [] : ['content-type', contentType],
      body: Buffer.from(body),
    });
    expect(event.isBase64Encoded).toBe(!text);
    expect(event.body).toBe(text ? body : Buffer.from(body).toString('base64'));
  });
});
