import { setImmediate as pause } from 'node:timers/promises';
import * as z from 'zod/mini';
import { randomOf } from '../testing/random.ts';
import { type Check, createCheck } from './check.ts';
import { createRequests, LAST_CURSOR, LAST_LOCATION, type ProbeRequest } from './requests.ts';
import { createSender, type ProbeAnswer } from './send.ts';

/** What was asked for. */
export interface ProbeOptions {
  /** Of the API, without a slash at its end. */
  readonly url: string;
  /** Sent with every request; absent: the API takes none. */
  readonly token: string | undefined;
  readonly requests: number;
  readonly seed: number;
  /** Called after every request. */
  readonly onAnswer?: (done: number) => void;
}

/** An answer that is not as documented. */
export interface Finding {
  /** Which of the requests it was: 1, 2, 3 … */
  readonly number: number;
  readonly request: ProbeRequest;
  /** Absent: none came. */
  readonly answer?: ProbeAnswer;
  readonly wrong: readonly string[];
}

/** What became of a run. */
export interface ProbeResult {
  readonly findings: readonly Finding[];
  /** How many answers there were, by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Every route with the statuses that it answered. */
  readonly seen: ReadonlyMap<string, ReadonlySet<number>>;
}

const PARALLEL = 8;
const ACCOUNTS = 12;

/**
 * Sends generated requests and holds every answer to the API's document, which the API itself
 * serves.
 * @throws {Error} where the document cannot be had or read, or there are no accounts to begin with.
 */
export const probe = async ({
  url,
  token,
  requests,
  seed,
  onAnswer,
}: ProbeOptions): Promise<ProbeResult> => {
  const sender = createSender(url, PARALLEL, token);
  try {
    const check = createCheck(JSON.parse((await sender.send(get('/openapi.json'))).text));
    const prefix = `p${seed}-`;
    const accountIds = Array.from({ length: ACCOUNTS }, (_, index) => `${prefix}a${index}`);
    await openAccounts(sender.send, accountIds);
    const next = createRequests({ random: randomOf(seed), ...check, accountIds, prefix });
    return await sendAll({ count: requests, next, check, send: sender.send, onAnswer });
  } finally {
    sender.close();
  }
};

type Send = (request: ProbeRequest) => Promise<ProbeAnswer>;

const get = (target: string): ProbeRequest => ({ method: 'GET', target, headers: [] });

const post = (target: string, key: string, body: object): ProbeRequest => ({
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
  readonly count: number;
  readonly next: () => ProbeRequest;
  readonly check: Check;
  readonly send: Send;
  readonly onAnswer: ProbeOptions['onAnswer'];
}

const sendAll = async ({ count, next, check, send, onAnswer }: Sending): Promise<ProbeResult> => {
  const findings: Finding[] = [];
  const statuses = new Map<number, number>();
  const seen = new Map([...check.operations.keys()].map((route) => [route, new Set<number>()]));
  const memory = createMemory();
  let [begun, done] = [0, 0];

  const sendNext = async (): Promise<void> => {
    begun += 1;
    const number = begun;
    const request = memory.fill(next());
    try {
      const answer = await send(request);
      memory.keep(request, answer);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      seen.get(check.routeOf(request) ?? '')?.add(answer.status);
      const failed = answer.status >= 500 ? ['it is an error of the server'] : [];
      const wrong = [...failed, ...check.violations(request, answer)];
      if (wrong.length > 0) findings.push({ number, request, answer, wrong });
    } catch (error) {
      findings.push({ number, request, wrong: [`no answer: ${error}`] });
    }
    done += 1;
    onAnswer?.(done);
  };

  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (begun < count) {
        await sendNext();
        await pause();
      }
    }),
  );
  return { findings, statuses, seen };
};

const Page = z.object({ nextCursor: z.string() });

/** Keeps of answers what later requests refer to. */
const createMemory = () => {
  const cursors = new Map<string, string>();
  let location = '/health';
  const listOf = (target: string): string => target.replaceAll(/[?&](?:cursor|limit)=[^&]*/g, '');
  return {
    keep: ({ method, target }: ProbeRequest, { status, headers, text }: ProbeAnswer): void => {
      location = headers.location ?? location;
      if (method !== 'GET' || status !== 200 || !text.includes('"nextCursor"')) return;
      const page = Page.safeParse(JSON.parse(text));
      if (page.success) cursors.set(listOf(target), page.data.nextCursor);
    },
    fill: (request: ProbeRequest): ProbeRequest => {
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
