import * as z from 'zod/mini';
import { AccountId, Currency, MinorUnits, Timestamp, Version } from '../../../events/values.ts';
import { accountNotFound } from '../../http/answer/command-answer.ts';
import { etag, type HttpAnswer, json } from '../../http/answer/http-answer.ts';
import { unlessKnown } from '../../http/answer/not-modified.ts';
import type { Problem } from '../../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { IfNoneMatch } from '../../http/request/if-none-match.ts';
import { cursorOfOther, isOfOther, nextCursor, pageCursor } from '../../http/request/paging.ts';
import { queryNumber } from '../../http/request/query-number.ts';
import { RequestTime } from '../../http/request/request-time.ts';
import type { Account, Turnover } from '../../ledger/account.ts';
import { Entry } from '../../ledger/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Tail } from '../../store/stream/tail.ts';
import { FINAL_AFTER_MS } from '../get-account.ts';
import { csvOf } from './csv.ts';
import { readLines } from './lines.ts';

const FROM = 'must have a from that is not after its to';
const LIMIT = 'must be a whole number, 1 to 1000';

/**
 * Where a page begins: after which event of which account, and between which versions the statement
 * lies. The account and the times that it was asked for are in it, so that it cannot be used for
 * others.
 */
const Position = z.object({
  accountId: AccountId,
  after: z.int().check(z.gte(0)),
  opening: z.int().check(z.gte(0)),
  closing: Version,
  from: z.optional(Timestamp),
  to: z.optional(Timestamp),
  /** Until when the statement goes, where nobody said: when its first page was made. */
  until: Timestamp,
});
type Position = z.infer<typeof Position>;

/** What `GET /accounts/{accountId}/statement` takes. */
export const getStatementRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  headers: z.object({
    accept: z.optional(z.string()),
    'if-none-match': z.optional(IfNoneMatch),
  }),
  query: z
    .strictObject({
      from: z.optional(RequestTime),
      to: z.optional(RequestTime),
      limit: z._default(
        z.pipe(queryNumber(LIMIT), z.int().check(z.gte(1, LIMIT), z.lte(1_000, LIMIT))),
        1_000,
      ),
      cursor: z.optional(pageCursor(Position)),
    })
    .check(
      z.refine(({ from, to }) => from === undefined || to === undefined || from <= to, FROM),
      z.refine(
        ({ from, to, cursor }) => !cursor || (cursor.from === from && cursor.to === to),
        'must have the from and to that its cursor was given out for',
      ),
    ),
});

const Total = z.object({ count: z.int(), amount: MinorUnits });

/** What it answers. */
export const Statement = z.object({
  accountId: AccountId,
  currency: Currency,
  from: Timestamp,
  to: Timestamp,
  openingBalance: MinorUnits,
  closingBalance: MinorUnits,
  credits: Total,
  debits: Total,
  entries: z.array(Entry),
  firstVersion: z.int().check(z.gte(1)),
  lastVersion: Version,
  head: z.object({ version: Version, hash: z.string() }),
  final: z.boolean(),
  nextCursor: z.optional(z.string()),
});

/**
 * `GET /accounts/{accountId}/statement`: the lines between two times, oldest first, with what the
 * account had before and after them and all that came in and went out. It begins after the account
 * as `?at=from` shows it and ends with it as `?at=to` does, so statements that follow one another
 * leave nothing out and have nothing twice. The totals are the difference of two states, so they cost
 * the same however many lines lie between.
 * @param dependencies the store, `clock` in milliseconds since 1970, telemetry, and how callers are
 *   told apart.
 * @returns a handler that answers 200 with a page, in JSON or, for `Accept: text/csv`, as CSV of which
 *   all pages join to the whole; 404 where there was no such account then, or it is not the caller's.
 */
export const createHandler = ({ store, clock, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:read', getStatementRequest, async (input, { onlyFor }) => {
    const { path, query, headers } = input;
    const { accountId } = path;
    // First of all: how an account is looked for in time tells whether it is there.
    if (onlyFor !== undefined && !(await store.isOwnedBy(accountId, onlyFor)))
      return accountNotFound(accountId);
    if (isOfOther(query.cursor, accountId)) return cursorOfOther;
    // The time is taken before the read: a period must not become final while it is read.
    const now = Timestamp.parse(new Date(clock()).toISOString());
    const bounds = query.cursor
      ? await boundsAt(store, accountId, query.cursor)
      : await boundsBetween(store, accountId, query.from, query.to);
    const { opening, closing } = bounds;
    const { account } = closing;
    if (!account) return accountNotFound(accountId);
    const place: Position = query.cursor ?? {
      accountId,
      after: opening.version,
      opening: opening.version,
      closing: Version.parse(closing.version),
      ...(query.from === undefined ? {} : { from: query.from }),
      ...(query.to === undefined ? {} : { to: query.to }),
      until: query.to ?? later(now, closing.at),
    };
    if (query.from !== undefined && query.from > place.until) return beginsAfterItsEnd;
    const [credits, debits] = [
      turnedOver(opening.account?.credits, account.credits),
      turnedOver(opening.account?.debits, account.debits),
    ];
    if (!credits || !debits) return tooMuch;
    const { entries, reached } = await readLines(store, accountId, {
      after: place.after,
      until: closing.version,
      balance: await balanceAfter(store, accountId, place.after, opening),
      limit: query.limit,
    });
    const next = reached < closing.version ? { ...place, after: reached } : undefined;
    const statement: z.infer<typeof Statement> = {
      accountId,
      currency: account.currency,
      from: query.from ?? account.openedAt,
      to: place.until,
      openingBalance: opening.account?.balance ?? MinorUnits.parse(0),
      closingBalance: account.balance,
      credits,
      debits,
      entries: [...entries],
      firstVersion: opening.version + 1,
      lastVersion: place.closing,
      head: { version: place.closing, hash: closing.hash },
      final: query.to !== undefined && clock() - Date.parse(place.until) >= FINAL_AFTER_MS,
      ...nextCursor(next),
    };
    const link = statement.nextCursor && linkTo(input, statement.nextCursor);
    const more = { ETag: etag(place.closing), Vary: 'Accept', ...(link && { Link: link }) };
    const answer = wantsCsv(headers.accept)
      ? csv(csvOf(account.currency, entries, query.cursor === undefined), more)
      : json(200, statement, more);
    // A client may have that version from when the statement was not final yet.
    return statement.final ? answer : unlessKnown(answer, headers['if-none-match']);
  });

/** The account before and after the period. */
interface Bounds {
  readonly opening: Pick<Tail, 'version' | 'account'>;
  readonly closing: Tail;
}

const NOTHING: Bounds['opening'] = { version: 0, account: undefined };

const boundsBetween = async (
  store: Pick<Store, 'load' | 'asOf'>,
  accountId: AccountId,
  from: Timestamp | undefined,
  to: Timestamp | undefined,
): Promise<Bounds> => {
  const [opening, closing] = await Promise.all([
    from === undefined ? NOTHING : store.asOf(accountId, { at: from }),
    to === undefined ? store.load(accountId) : store.asOf(accountId, { at: to }),
  ]);
  return { opening, closing };
};

const boundsAt = async (
  store: Pick<Store, 'asOf'>,
  accountId: AccountId,
  { opening, closing }: Position,
): Promise<Bounds> => {
  const [before, after] = await Promise.all([
    opening === 0 ? NOTHING : store.asOf(accountId, { version: Version.parse(opening) }),
    store.asOf(accountId, { version: closing }),
  ]);
  return { opening: before, closing: after };
};

const balanceAfter = async (
  store: Pick<Store, 'asOf'>,
  accountId: AccountId,
  version: number,
  opening: Bounds['opening'],
): Promise<MinorUnits> => {
  const { account } =
    version === opening.version
      ? opening
      : await store.asOf(accountId, { version: Version.parse(version) });
  return account?.balance ?? MinorUnits.parse(0);
};

/** @returns `undefined` where the sum is more than a number keeps exactly. */
const turnedOver = (
  before: Turnover | undefined,
  after: Account['credits'],
): z.infer<typeof Total> | undefined => {
  const amount = BigInt(after.amount) - BigInt(before?.amount ?? '0');
  const { success, data } = MinorUnits.safeParse(Number(amount));
  return success ? { count: after.count - (before?.count ?? 0), amount: data } : undefined;
};

const tooMuch: Problem = {
  code: 'amount_out_of_range',
  detail: 'What came in or went out is more than a number keeps exactly: ask for a shorter period.',
};

/** Without a `to` it ends now. */
const beginsAfterItsEnd: Problem = {
  code: 'validation_failed',
  detail: `query ${FROM}.`,
  errors: [{ path: 'query', message: FROM }],
};

const later = (one: Timestamp, other: Timestamp | undefined): Timestamp =>
  other && other > one ? other : one;

const linkTo = ({ path, query }: z.infer<typeof getStatementRequest>, cursor: string): string => {
  const { from, to, limit } = query;
  const parameters = new URLSearchParams({
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    limit: String(limit),
    cursor,
  });
  return `</accounts/${path.accountId}/statement?${parameters}>; rel="next"`;
};

/** Whether a client would rather have CSV than JSON: by the weights that it gives them (RFC 9110). */
const wantsCsv = (accept = '*/*'): boolean =>
  weightOf(accept, 'text/csv') > weightOf(accept, 'application/json');

const weightOf = (accept: string, type: string): number => {
  const [kind] = type.split('/');
  const ranges = accept.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    return { name, weight: Number(weight) };
  });
  const matching = [type, `${kind}/*`, '*/*'].map((name) =>
    ranges.find((range) => range.name === name),
  );
  return matching.find((range) => range !== undefined)?.weight ?? 0;
};

const csv = (body: string, headers: Readonly<Record<string, string>>): HttpAnswer => ({
  statusCode: 200,
  headers: { 'Content-Type': 'text/csv; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
  body,
});

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'load' | 'asOf' | 'history' | 'isOwnedBy'>;
  readonly clock: () => number;
}
