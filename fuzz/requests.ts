import type { Operation } from '../testing/openapi-document.ts';
import type { Random } from '../testing/random.ts';
import { createValues } from './values.ts';

/** A request that is sent as it is. */
export interface FuzzRequest {
  readonly method: string;
  /**
   * Path and query, encoded. {@link LAST_CURSOR} and {@link LAST_LOCATION} in it are filled in from
   * earlier answers.
   */
  readonly target: string;
  /** A name may come twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | undefined;
  /**
   * Whether the document allows the request as a whole (`sound`) or forbids it (`broken`); absent:
   * it does not say.
   */
  readonly standing?: 'sound' | 'broken' | undefined;
}

/** Stands for the `nextCursor` of the same list's last page. */
export const LAST_CURSOR = '{cursor}';
/** Stands for a whole path, the last `Location`. */
export const LAST_LOCATION = '{location}';

/** What requests are made from. */
export interface Sources {
  readonly random: Random;
  /** By route, `GET /health`. */
  readonly operations: ReadonlyMap<string, Operation>;
  /** Whether a value fits a schema of the document. */
  readonly fits: (schema: object, value: unknown) => boolean;
  /** Of accounts that are there. */
  readonly accountIds: readonly string[];
  /** Ids of transfers, so that no two runs share them. */
  readonly prefix: string;
}

/**
 * Generates requests from a document: most of them about accounts and transfers that are there,
 * half of them sound.
 * @returns the next one, whenever it is asked.
 */
export const createRequests = ({
  random,
  operations,
  fits,
  accountIds,
  prefix,
}: Sources): (() => FuzzRequest) => {
  // What answers the same to everybody is soon known: a ledger's routes come five times as often.
  const routes = [...operations].flatMap(([route, { tags }]) =>
    Array.from({ length: tags.includes('service') ? 1 : 5 }, () => route),
  );
  const made = new Map<string, number>();
  const fresh = (kind: string): string => {
    const number = (made.get(kind) ?? 0) + 1;
    made.set(kind, number);
    return `${prefix}${kind}${number}`;
  };
  /** One that was made, now and then one that never is. */
  const earlier = (kind: string): string =>
    `${prefix}${kind}${random.between(0, made.get(kind) ?? 0)}`;
  const known = (name: string): unknown => {
    // An opaque text, and a list that no schema has: any others are refused.
    if (name === 'cursor') return LAST_CURSOR;
    // It lies ahead, within a year: whole days, so that a seed makes the same on one day.
    if (name === 'expiresAt')
      return new Date(
        (Math.ceil(Date.now() / DAY_MS) + random.between(1, 300)) * DAY_MS,
      ).toISOString();
    if (name === 'currency') return random.oneOf(['EUR', 'EUR', 'EUR', 'EUR', 'USD', 'JPY']);
    if (random.chance(0.1)) return undefined;
    if (ACCOUNTS.has(name)) return random.chance(0.85) ? random.oneOf(accountIds) : earlier('n');
    if (name === 'transferId' || name === 'commandId') return earlier('t');
    return undefined;
  };
  const values = createValues(random, known);

  /** Each account once, which the document says in words; more often than not they balance. */
  const legs = (): readonly object[] => {
    const left = [...accountIds];
    const chosen = Array.from({ length: random.between(2, left.length) }, () => {
      const [accountId] = left.splice(random.between(0, left.length - 1), 1);
      return { accountId, amount: random.between(1, 30) * random.oneOf([1, -1]) };
    });
    const [first, ...others] = chosen;
    const rest = others.reduce((sum, { amount }) => sum + amount, 0);
    return first && rest !== 0 && random.chance(0.8)
      ? [{ ...first, amount: -rest }, ...others]
      : chosen;
  };

  /** The last ones are kept in one currency, and most of them have money: see run.ts. */
  const twoAccounts = (): readonly string[] => {
    const place = random.between(1, accountIds.length - 1);
    return [accountIds.at(-place) ?? '', accountIds.at(-place - 1) ?? ''];
  };

  /** What is made has a new id more often than not. */
  const bodyOf = (route: string, schema: unknown): unknown => {
    const body = values.fitting('body', schema);
    if (route === 'POST /accounts' && random.chance(0.7)) {
      return { ...Object(body), accountId: fresh('n'), currency: random.oneOf(currencies) };
    }
    if (route === 'POST /postings') return { ...Object(body), legs: legs() };
    if (route !== 'POST /transfers') return body;
    const [from, to] = random.chance(0.5) ? twoAccounts() : [];
    return {
      ...Object(body),
      ...(random.chance(0.8) && { transferId: fresh('t') }),
      ...(from && to && { from, to, amount: random.between(1, 30), currency: 'EUR' }),
    };
  };

  const headerOf = (name: string): string | undefined => {
    const version = () => `"${random.between(1, random.oneOf([3, 30, 300]))}"`;
    switch (name) {
      case 'Idempotency-Key':
        if (random.chance(0.4)) return random.chance(0.1) ? 'k'.repeat(255) : undefined;
        return random.chance(0.8) ? fresh('k') : earlier('k');
      case 'If-Match':
        return random.chance(0.2)
          ? random.oneOf(['*', `W/${version()}`, `${version()}, ${version()}`, version()])
          : undefined;
      case 'If-None-Match':
        return random.chance(0.4)
          ? random.oneOf(['*', `W/${version()}`, `${version()},${version()}`, version()])
          : undefined;
      case 'Prefer':
        return random.chance(0.3) ? random.oneOf(preferences) : undefined;
      case 'Accept-Encoding':
        return random.chance(0.7)
          ? random.oneOf(['gzip', 'gzip, br', 'gzip;q=0', 'identity', '*', 'x'.repeat(300), ';q'])
          : undefined;
      case 'Accept':
        // The answers that are looked into are JSON.
        return random.chance(0.3)
          ? random.oneOf(['application/json', '*/*', 'text/html', 'x'.repeat(300), ';q=,'])
          : undefined;
      case 'X-Correlation-Id':
        return random.chance(0.2)
          ? random.oneOf(['fuzz', 'x'.repeat(128), 'x'.repeat(200), 'a,a', 'ü'])
          : undefined;
      default:
        throw new Error(`nothing is sent as ${name} yet`);
    }
  };

  const soundRequest = (route: string, operation: Operation) => {
    const [method = '', path = ''] = route.split(' ');
    const query = operation.parameters
      .filter((parameter) => parameter.in === 'query' && random.chance(0.35))
      .map(({ name, schema }): [string, string] => [
        name,
        // The `to` of a statement is a time; that of a body is an account.
        String(values.fitting(schema['format'] === 'date-time' ? 'time' : name, schema)),
      ])
      // Says the document in words: one of two, and a statement begins before it ends.
      .filter(
        ([name, value], _, all) =>
          !(name === 'from' && Date.parse(value) > Date.now()) &&
          !(SECOND_TO.has(name) && all.some(([other]) => other === SECOND_TO.get(name))),
      );
    const headers = operation.parameters
      .filter((parameter) => parameter.in === 'header')
      .flatMap(({ name }): [string, string][] => {
        const value = headerOf(name);
        return value === undefined ? [] : [[name, value]];
      });
    const schema = operation.requestBody?.content['application/json'].schema;
    return {
      method: method === 'GET' && random.chance(0.15) ? 'HEAD' : method,
      ...{ path, query, headers, schema, operation },
      ids: new Map(
        operation.parameters
          .filter((parameter) => parameter.in === 'path')
          .map((parameter): [string, string] => [
            parameter.name,
            String(values.fitting(parameter.name, parameter.schema)),
          ]),
      ),
      body: schema && bodyOf(route, schema),
      contentType: random.oneOf([
        'application/json',
        'application/json',
        'application/json; charset=utf-8',
        'Application/JSON',
      ]),
    };
  };
  type Draft = ReturnType<typeof soundRequest>;

  const render = (
    { method, path, ids, query, headers, body, contentType }: Draft,
    raw?: Buffer,
  ): FuzzRequest => ({
    method,
    target: `${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(ids.get(name) ?? ''))}${queryOf(query)}`,
    headers: body === undefined ? headers : [...headers, ['Content-Type', contentType]],
    body: raw ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body))),
  });

  const wrongBody = (draft: Draft): FuzzRequest => {
    const body = values.wrong(draft.schema ?? {});
    const broken =
      draft.schema !== undefined && !fits(draft.schema, JSON.parse(JSON.stringify(body)));
    return { ...render({ ...draft, body }), standing: broken ? 'broken' : undefined };
  };

  const wrongBytes = (draft: Draft): FuzzRequest => {
    const text = JSON.stringify(draft.body);
    const bytes = random.oneOf<() => Buffer>([
      () => Buffer.from(text.slice(0, -1)),
      () => Buffer.alloc(0),
      () =>
        Buffer.from(
          `{"amount":1,${text.slice(1)}`.replace('{"amount":1,}', '{"amount":1,"amount":1}'),
        ),
      () =>
        Buffer.concat([
          Buffer.from(text.slice(0, -1)),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('}'),
        ]),
      () => Buffer.from(`${text}${' '.repeat(20_000)}`),
      () => Buffer.from('['.repeat(5_000)),
      () => Buffer.from(`\ufeff${text}`),
      () => Buffer.from(text.replace(/:\d+/, `:${random.oneOf(oddNumbers)}`)),
      () => Buffer.from(text.replace(/:\d+/, `:${random.oneOf(oddNumbers)}`)),
      () => Buffer.from(text.replace(/:"[^"]*"/, `:"${random.oneOf(oddTexts)}"`)),
      () =>
        Buffer.from(`{"${random.oneOf(oddNames)}":${random.oneOf(oddMembers)},${text.slice(1)}`),
      () =>
        Buffer.from(
          text.replace(/:("[^"]*"|\d+)/, `:${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`),
        ),
      () =>
        Buffer.from(
          text.replace(
            /"(\w)(\w+)":/,
            (_, first: string, rest: string) =>
              `"${first}${rest}":1,"\\u00${first.charCodeAt(0).toString(16)}${rest}":`,
          ),
        ),
      () =>
        Buffer.from(random.oneOf(['NaN', '{', '"', '0', 'nul', '{"a":1}{"b":2}', "{'amount':1}"])),
    ])();
    return render(draft, bytes);
  };

  const wrongParameter = (draft: Draft): FuzzRequest => {
    const parameters = draft.operation.parameters.filter(({ in: place }) => place !== 'header');
    if (parameters.length === 0 || random.chance(0.3)) return wrongQuery(draft);
    const { name, in: place, schema } = random.oneOf(parameters);
    const value = String(values.wrong(schema) ?? 'null');
    const meant = schema['type'] === 'integer' && /^-?\d+$/.test(value) ? Number(value) : value;
    const request =
      place === 'path'
        ? render({ ...draft, ids: new Map([...draft.ids, [name, value]]) })
        : render({
            ...draft,
            query: [...draft.query.filter(([other]) => other !== name), [name, value]],
          });
    return { ...request, standing: fits(schema, meant) ? undefined : 'broken' };
  };

  const wrongQuery = (draft: Draft): FuzzRequest => {
    const request = render(draft);
    const [path, query = ''] = request.target.split('?');
    const isUnknown = random.chance(0.5);
    const more = isUnknown
      ? random.oneOf(['versoin=1', 'dryrun=true', `a=${encode(values.junk())}`])
      : random.oneOf([
          'limit=1&limit=2',
          '=',
          '&&',
          '%zz=%',
          'cursor=',
          'cursor=AAAA',
          'limit=1%00',
          'limit',
        ]);
    // What is known is told in words: these take any.
    const isTaken = ['/health', '/openapi.json', '/docs'].includes(path ?? '');
    return {
      ...request,
      target: `${path}?${query && `${query}&`}${more}`,
      standing: isUnknown && !isTaken ? 'broken' : undefined,
    };
  };

  const wrongHeader = (draft: Draft): FuzzRequest => {
    const request = render(draft);
    const more = random.oneOf<readonly (readonly [string, string])[]>([
      [['Idempotency-Key', '']],
      [['Idempotency-Key', 'k'.repeat(256)]],
      [['Idempotency-Key', 'schlüssel']],
      [
        ['Idempotency-Key', 'k'],
        ['Idempotency-Key', 'k'],
      ],
      [['If-Match', '7']],
      [['If-Match', '"7']],
      [['If-Match', '']],
      [['If-None-Match', random.oneOf(['*', '7', '"7"', ''])]],
      [
        [
          'Prefer',
          random.oneOf([
            'wait=11',
            'wait=-1',
            'wait',
            'wait=0.5',
            'wait=1, wait=2',
            ';',
            '"',
            'return=minimal',
          ]),
        ],
      ],
      [
        [
          'Content-Type',
          random.oneOf(['text/plain', '', 'application/xml', 'application/json+patch', '/', 'a,b']),
        ],
      ],
      [['Content-Encoding', random.oneOf(['gzip', 'identity', ''])]],
      [['Accept', random.oneOf(['text/csv', 'image/png', ';;'])]],
      [['X-Correlation-Id', random.oneOf(['', 'ü', 'x'.repeat(129), '{"a":1}'])]],
      [['Authorization', random.oneOf(['Bearer x', 'Basic eDp5', ''])]],
      [
        ['Cookie', 'a=b; c=d'],
        ['X-Forwarded-For', '1.2.3.4'],
        ['X-Amzn-Trace-Id', 'junk'],
      ],
    ]);
    const names = new Set(more.map(([name]) => name));
    return {
      ...request,
      headers: [...request.headers.filter(([name]) => !names.has(name)), ...more],
    };
  };

  const flaws = [wrongBody, wrongBody, wrongBytes, wrongParameter, wrongHeader];

  const strayRequest = (): FuzzRequest => {
    const route = random.oneOf(routes);
    const operation = operations.get(route);
    const request = operation ? render(soundRequest(route, operation)) : undefined;
    if (request && random.chance(0.5)) return { ...request, method: random.oneOf(methods) };
    const segments = Array.from({ length: random.between(0, 4) }, () =>
      random.oneOf([
        'accounts',
        'transfers',
        'health',
        'commands',
        '',
        '.',
        '..',
        encode(values.junk()),
        random.oneOf(oddSegments),
      ]),
    );
    return {
      method: random.oneOf(['GET', 'GET', 'POST', 'HEAD', ...methods]),
      target: `/${segments.join('/')}`,
      headers: [],
    };
  };

  const newRequest = (): FuzzRequest => {
    if (random.chance(0.1)) return strayRequest();
    if (random.chance(0.02))
      return { method: 'GET', target: LAST_LOCATION, headers: [], standing: 'sound' };
    const route = random.oneOf(routes);
    const operation = operations.get(route);
    if (!operation) throw new Error(`${route} is not documented`);
    const draft = soundRequest(route, operation);
    if (random.chance(0.55)) return { ...render(draft), standing: 'sound' };
    const flaw = random.oneOf(flaws);
    const bodyless = draft.schema === undefined && (flaw === wrongBody || flaw === wrongBytes);
    return bodyless ? wrongParameter(draft) : flaw(draft);
  };

  const lately: FuzzRequest[] = [];
  return () => {
    if (lately.length > 0 && random.chance(0.1)) return random.oneOf(lately);
    const request = newRequest();
    lately.push(request);
    if (lately.length > REPEATABLE) lately.shift();
    return request;
  };
};

/** How many requests back one may be sent once more. */
const REPEATABLE = 40;

const DAY_MS = 24 * 60 * 60_000;

/** Parameters that are left out beside another. */
const SECOND_TO = new Map([
  ['at', 'version'],
  ['from', 'to'],
]);

/** Names of what is an account's id. */
const ACCOUNTS = new Set(['accountId', 'from', 'to']);
const currencies: readonly string[] = ['EUR', 'USD', 'JPY', 'BHD'];
const methods: readonly string[] = [
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'GET',
  'POST',
  'HEAD',
  'TRACE',
  'PROPFIND',
];
const preferences: readonly string[] = [
  'wait=0',
  'wait=1',
  'wait=10',
  'respond-async, wait=1',
  'respond-async',
  'wait="1"',
];
/** What JSON, or somebody who writes it, may call a number. */
const oddNumbers: readonly string[] = [
  ...['-0', '0.0', '1.0', '1e2', '100e-2', '1E+2', '0.1e1', '1e400', '-1e400', '1e-400', '5e-324'],
  ...['9007199254740990', '9007199254740991', '9007199254740992', '9007199254740993', '-1', '1.5'],
  ...['-9007199254740991', '9007199254740991.0', '1.0000000000000000001', '0.30000000000000004'],
  ...['1'.repeat(400), `0.${'0'.repeat(400)}1`, `1${'0'.repeat(15)}`, '18446744073709551616'],
  ...['01', '+1', '.5', '1.', '-', '1e', '0x10', '1_000', 'NaN', 'Infinity', '1n', '"1"', 'null'],
];
/** As they stand between quotes. */
const oddTexts: readonly string[] = [
  ...['\\ud800', '\\udfff\\ud800', '\\u0000', '\u0001', '\t', '\\x41', '\\', '\ufeff', '\u202e'],
  ...[
    'EUR\\u0000',
    '../../etc/passwd',
    "' OR 1=1",
    '{x}',
    '{{x}}',
    '%00',
    'constructor',
    '__proto__',
  ],
  ...['\u{1f4b6}'.repeat(140), 'x'.repeat(141), 'a\\u0308', '\\ud83d\\ude00', '<script>'],
];
const oddNames: readonly string[] = [
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '',
    '\\u0000',
  ],
  ...['then', '$ref', 'amount ', 'AMOUNT', '\\ud800', '\\u005f_proto__', 'x'.repeat(5_000)],
];
const oddMembers: readonly string[] = [
  ...['1', 'null', '{}', '[]', '{"amount":1}', '{"__proto__":{"amount":1}}', '[[[[[[]]]]]]'],
];
const oddSegments: readonly string[] = [
  '%',
  '%zz',
  '%2F',
  '%3F',
  '%00',
  '%C3',
  ';a=1',
  'a%20b',
  '@',
  'x'.repeat(3_000),
  '%E2%82%AC',
];

/** Lone surrogates, which no URL can carry, go as U+FFFD. */
const encode = (text: string): string =>
  text === LAST_CURSOR ? text : encodeURIComponent(text.toWellFormed());

const queryOf = (query: readonly (readonly [string, string])[]): string =>
  query.length === 0
    ? ''
    : `?${query.map(([name, value]) => `${name}=${encode(value)}`).join('&')}`;
