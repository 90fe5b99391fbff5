import { setImmediate as pause, setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { randomOf } from '../testing/random.ts';
import { type Check, createCheck } from './check.ts';
import { createRequests, type FuzzRequest, LAST_CURSOR, LAST_LOCATION } from './requests.ts';
import { createSender, type FuzzAnswer } from './send.ts';
import { type MemoryUse, measureMemory } from './watch/memory.ts';
import { createWireCases } from './wire/cases.ts';
import { type Expected, sendOnWire, type WireExchange } from './wire/exchange.ts';
import { holdConnections } from './wire/held-connections.ts';

/** What was asked for. */
export interface FuzzOptions {
  /** Of the API, without a slash at its end. */
  readonly url: string;
  /** How many requests and exchanges on the wire. */
  readonly requests: number;
  readonly seed: number;
  /** The bearer token that every request carries, or what gives one. */
  readonly token?: string | (() => string) | undefined;
  /** How many connections are held open meanwhile. */
  readonly connections?: number;
  /**
   * What every environment of a function uses, in bytes, where the API runs in this process, whose
   * memory is looked at then. Absent: it runs elsewhere.
   */
  readonly environments?: (() => Promise<readonly number[]>) | undefined;
  /** Called after every request. */
  readonly onAnswer?: (done: number) => void;
}

/** An answer that is not as documented. */
export interface Finding {
  /** Which of the requests it was: 1, 2, 3 … */
  readonly number: number;
  readonly request?: FuzzRequest;
  readonly exchange?: WireExchange;
  /** Absent: none came. */
  readonly answer?: FuzzAnswer;
  readonly wrong: readonly string[];
}

/** What became of a run. */
export interface FuzzResult {
  readonly findings: readonly Finding[];
  /** What is wrong with the run as a whole, sentence by sentence. */
  readonly troubles: readonly string[];
  /** How many answers there were, by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Every route with the statuses that it answered. */
  readonly seen: ReadonlyMap<string, ReadonlySet<number>>;
  /** How often a request was sent again because the API asked for it. */
  readonly askedAgain: number;
  /** How many connections were held open. */
  readonly held: number;
  /** Before and after, where it was looked at. */
  readonly memory: readonly MemoryUse[];
  /** What clients were told of transfers, by id, for an audit. */
  readonly heard: ReadonlyMap<string, string>;
}

const PARALLEL = 8;
const ACCOUNTS = 12;
/** The part of the requests after which memory counts: before, functions still start. */
const WARM_UP = 0.3;
/** The part that is sent while connections are held open. */
const WHILE_HELD = 0.1;
/** Of ten, how many are bytes on the wire. */
const ON_THE_WIRE = 0.1;

/**
 * How much more memory is in use after a run than after its warm-up, at most, whatever its length;
 * in bytes. What is kept for each request would be more: 20,000 of 10 KB are 200 MB.
 */
const MORE_HEAP = 24 * 2 ** 20;
/** The same of an environment, on average: they keep what stood on accounts, up to a limit. */
const MORE_PER_ENVIRONMENT = 2 * 2 ** 20;

/**
 * Sends generated requests, sound and broken, and bytes that are hardly HTTP, and holds every
 * answer to the API's document, which the API itself serves.
 * @throws {Error} where the document cannot be had or read, or there are no accounts to begin with.
 */
export const fuzz = async (options: FuzzOptions): Promise<FuzzResult> => {
  const { url, requests, seed, token, connections = 0, environments, onAnswer } = options;
  const sender = createSender(url, PARALLEL);
  const authorization = () => {
    const current = typeof token === 'function' ? token() : token;
    return current === undefined ? [] : [['Authorization', `Bearer ${current}`] as const];
  };
  const send: Send = (request) =>
    sender.send(
      request.headers.some(([name]) => name === 'Authorization')
        ? request
        : { ...request, headers: [...request.headers, ...authorization()] },
    );
  try {
    const check = createCheck(JSON.parse((await send(get('/openapi.json'))).text));
    const prefix = `p${seed}-`;
    const accountIds = Array.from({ length: ACCOUNTS }, (_, index) => `${prefix}a${index}`);
    await openAccounts(send, accountIds);
    const random = randomOf(seed);
    const nextRequest = createRequests({ random, ...check, accountIds, prefix });
    const lines = () => authorization().map(([name, value]) => `${name}: ${value}`);
    const nextExchange = createWireCases(random.fork(), new URL(url).host, accountIds, lines);
    // Over TLS the bytes would not reach what reads HTTP.
    const onTheWire = url.startsWith('http:') ? ON_THE_WIRE : 0;
    const next = () => (random.chance(onTheWire) ? nextExchange() : nextRequest());
    const sending = createSending({ seed, next, check, send, url, onAnswer });
    const memory: MemoryUse[] = [];
    const troubles: string[] = [];

    const warmUp = Math.ceil(requests * WARM_UP);
    const whileHeld = connections > 0 ? Math.ceil(requests * WHILE_HELD) : 0;
    await sending.sendMore(warmUp);
    if (environments) memory.push(await measureMemory(environments));
    let held = 0;
    if (connections > 0) {
      const holding = await holdConnections(url, connections);
      held = holding.held;
      if (held < connections)
        troubles.push(`only ${held} of ${connections} connections: ${holding.why}`);
      await sending.sendMore(whileHeld);
      await holding.release();
    }
    await sending.sendMore(requests - warmUp - whileHeld);
    troubles.push(...(await awaitEnds(send, sending.heard)));
    if (environments) {
      memory.push(await measureMemory(environments));
      troubles.push(...grown(memory));
    }
    return { ...sending.result(), troubles, memory, held, heard: sending.heard };
  } finally {
    sender.close();
  }
};

const grown = ([before, after]: readonly MemoryUse[]): string[] => {
  if (!before || !after) return [];
  const heap = after.heap - before.heap;
  const mean = averageOf(after.environments) - averageOf(before.environments);
  return [
    ...(heap > MORE_HEAP ? [`the heap has grown by ${megabytes(heap)}`] : []),
    ...(mean > MORE_PER_ENVIRONMENT
      ? [`an environment has grown by ${megabytes(mean)} on average`]
      : []),
  ];
};

/** The average of numbers; 0 where there are none. */
export const averageOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);

/** Bytes for people. */
export const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

type Send = (request: FuzzRequest) => Promise<FuzzAnswer>;

const get = (target: string): FuzzRequest => ({ method: 'GET', target, headers: [] });

const post = (target: string, key: string, body: object): FuzzRequest => ({
  method: 'POST',
  target,
  headers: [
    ['Content-Type', 'application/json'],
    ['Idempotency-Key', key],
  ],
  body: Buffer.from(JSON.stringify(body)),
});

/** Most of them in one currency, some without money. */
const openAccounts = async (send: Send, accountIds: readonly string[]): Promise<void> => {
  for (const [index, accountId] of accountIds.entries()) {
    const currency = ['JPY', 'USD'][index] ?? 'EUR';
    const opened = await send(post('/accounts', `open-${accountId}`, { accountId, currency }));
    if (opened.status !== 201)
      throw new Error(`${accountId} cannot be opened: ${opened.status} ${opened.text}`);
    if (index % 4 < 3)
      await send(post(`/accounts/${accountId}/deposits`, 'fund', { amount: 10 ** (index + 2) }));
  }
};

interface Sending {
  readonly seed: number;
  readonly next: () => FuzzRequest | WireExchange;
  readonly check: Check;
  readonly send: Send;
  readonly url: string;
  readonly onAnswer: FuzzOptions['onAnswer'];
}

/** Sends requests, one phase after the other, and keeps what came of them. */
const createSending = ({ seed, next, check, send, url, onAnswer }: Sending) => {
  const findings: Finding[] = [];
  const statuses = new Map<number, number>();
  const seen = new Map([...check.operations.keys()].map((route) => [route, new Set<number>()]));
  const heard = new Map<string, string>();
  const memory = createMemory();
  const pauses = randomOf(seed);
  let [begun, done, askedAgain] = [0, 0, 0];

  const sendRequest = async (number: number, request: FuzzRequest): Promise<void> => {
    const found = (answer: FuzzAnswer, more: readonly string[] = []): void => {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      seen.get(check.routeOf(request) ?? '')?.add(answer.status);
      const wrong = [...more, ...check.violations(request, answer)];
      if (wrong.length > 0) findings.push({ number, request, answer, wrong });
    };
    let answer = await send(request);
    for (let times = 1; isTryAgain(answer) && times <= MOST_TRIES; times += 1) {
      found(answer);
      askedAgain += 1;
      await sleep(Number(answer.headers['retry-after']) * 1_000 + pauses.between(0, 200 * times));
      answer = await send(request);
    }
    memory.keep(request, answer);
    hear(heard, request, answer);
    found(answer, answer.status >= 500 ? ['it is an error of the server'] : []);
  };

  const sendExchange = async (number: number, exchange: WireExchange): Promise<void> => {
    const answers = await sendOnWire(url, exchange);
    for (const [index, expected] of exchange.expected.entries()) {
      const answer = answers[index];
      if (!answer) {
        const wrong = [`${expected.method} ${expected.target} is not answered (${exchange.name})`];
        findings.push({ number, exchange, wrong });
        return;
      }
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const wrong = wrongOnWire(check, expected, answer);
      if (wrong.length > 0)
        findings.push({ number, exchange, answer, wrong: [`${exchange.name}:`, ...wrong] });
    }
  };

  const sendNext = async (): Promise<void> => {
    begun += 1;
    const number = begun;
    const drawn = next();
    const sent = 'parts' in drawn ? { exchange: drawn } : { request: memory.fill(drawn) };
    try {
      if (sent.exchange) await sendExchange(number, sent.exchange);
      else await sendRequest(number, sent.request);
    } catch (error) {
      findings.push({ number, ...sent, wrong: [`no answer: ${error}`] });
    }
    done += 1;
    onAnswer?.(done);
  };

  /** Sends so many more, and waits for their answers. */
  const sendMore = async (count: number): Promise<void> => {
    const until = begun + count;
    await Promise.all(
      Array.from({ length: PARALLEL }, async () => {
        while (begun < until) {
          await sendNext();
          await pause();
        }
      }),
    );
  };

  return {
    sendMore,
    heard,
    result: (): Omit<FuzzResult, 'troubles' | 'memory' | 'held' | 'heard'> => ({
      findings,
      statuses,
      seen,
      askedAgain,
    }),
  };
};

/**
 * The API asks to send it again: the one answer of 500 and more that is right, where many are at
 * one account. It is right only if the same request is then answered.
 */
const isTryAgain = ({ status, text }: FuzzAnswer): boolean =>
  status === 503 && text.includes('"code":"try_again"');

const MOST_TRIES = 6;

/** What is wrong with the answer to a request that stood in bytes. */
const wrongOnWire = (
  check: Check,
  { method, target, as }: Expected,
  answer: FuzzAnswer,
): readonly string[] => {
  const isRefused =
    answer.status >= 400 && answer.status < 500 && answer.text.includes('"message"');
  if (as === 'strange')
    return answer.status === 403 && answer.text === FORBIDDEN
      ? []
      : [`${answer.status}, and its host is none of the API's`];
  if (as === 'refused' && !isRefused) return [`${answer.status}, and it is no HTTP`];
  const wrong = check.violations({ method, target, headers: [] }, answer);
  const failed = answer.status >= 500 ? ['it is an error of the server'] : [];
  if (as === 'answered' && isRefused) return ['the gateway refuses what is HTTP', ...wrong];
  return [...failed, ...wrong];
};

/** What API Gateway says where it has no API of that host. */
const FORBIDDEN = '{"message":"Forbidden"}';

/** Takes down what clients were told of transfers, for the audit to hold it against the tables. */
const hear = (heard: Map<string, string>, { method, target }: FuzzRequest, answer: FuzzAnswer) => {
  if (method !== 'POST' || target !== '/transfers' || answer.status !== 202) return;
  const body = Accepted.safeParse(JSON.parse(answer.text));
  if (!body.success || heard.get(body.data.transferId) === 'settled') return;
  heard.set(body.data.transferId, body.data.status === 'settled' ? 'settled' : UNFINISHED);
};

const Accepted = z.object({ transferId: z.string(), status: z.string() });

/** What the audit calls a transfer that the client has not heard the end of. */
const UNFINISHED = 'unfinished';

/** How long transfers may take to end, once nobody sends any more; in milliseconds. */
const LONGEST_END_MS = 60_000;

/** Every transfer that was accepted ends, unless it is held. @returns sentences about those that do not. */
const awaitEnds = async (send: Send, heard: ReadonlyMap<string, string>): Promise<string[]> => {
  const troubles: string[] = [];
  const deadline = performance.now() + LONGEST_END_MS;
  const open = [...heard].filter(([, outcome]) => outcome === UNFINISHED).map(([id]) => id);
  for (const id of open) {
    for (;;) {
      const { status, text } = await send(get(`/transfers/${id}`));
      if (/"status":"(?:settled|released|held)"/.test(text)) break;
      if (performance.now() > deadline) {
        troubles.push(`transfer ${id} was accepted and has not ended: ${status} ${text}`);
        break;
      }
      await sleep(50);
    }
  }
  return troubles;
};

const Page = z.object({ nextCursor: z.string() });

/** Keeps of answers what later requests refer to. */
const createMemory = () => {
  const cursors = new Map<string, string>();
  let location = '/health';
  const listOf = (target: string): string => target.replaceAll(/[?&](?:cursor|limit)=[^&]*/g, '');
  return {
    keep: ({ method, target }: FuzzRequest, { status, headers, text }: FuzzAnswer): void => {
      location = headers.location ?? location;
      if (method !== 'GET' || status !== 200 || !text.includes('"nextCursor"')) return;
      const page = Page.safeParse(JSON.parse(text));
      if (page.success) cursors.set(listOf(target), page.data.nextCursor);
    },
    fill: (request: FuzzRequest): FuzzRequest => {
      const cursor = cursors.get(listOf(request.target));
      const target = cursor
        ? request.target.replaceAll(LAST_CURSOR, encodeURIComponent(cursor))
        : request.target
            .replace(`cursor=${LAST_CURSOR}`, 'limit=1')
            .replace(/(limit=\d+)&limit=1|limit=1&(limit=\d+)/, '$1$2');
      return { ...request, target: target === LAST_LOCATION ? location : target };
    },
  };
};
