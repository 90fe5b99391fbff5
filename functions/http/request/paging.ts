import * as z from 'zod/mini';
import type { AccountId } from '../../../events/values.ts';
import type { Problem } from '../answer/problem.ts';
import { queryNumber } from './query-number.ts';

const LIMIT = 'must be a whole number, 1 to 100';

/** `?limit=`: how many a page of a list holds. */
export const PageLimit = z._default(
  z.pipe(queryNumber(LIMIT), z.int().check(z.gte(1, LIMIT), z.lte(100, LIMIT))),
  25,
);

/** Count this up when cursors change their shape: an older cursor is then refused, not misread. */
const CURSOR_VERSION = 2;

/**
 * `?cursor=`: where a page of a list begins. Opaque to clients, so that it can change.
 * @param position what it stands for: the position of the last item of the page before.
 */
export const pageCursor = <Position>(position: z.ZodMiniType<Position>) => {
  const content = z.strictObject({ v: z.literal(CURSOR_VERSION), before: position });
  return z.pipe(
    z.string(),
    z.transform((cursor, context): Position | undefined => {
      const result = content.safeParse(decode(cursor));
      if (result.success) return result.data.before;
      context.issues.push({
        code: 'custom',
        message: 'must be a nextCursor that this list has given out',
        input: cursor,
      });
      return undefined;
    }),
  );
};

/**
 * Whether a cursor is of the list of another account, whose places mean nothing in this one. An
 * account's cursors name it.
 */
export const isOfOther = (
  cursor: { readonly accountId: AccountId } | undefined,
  accountId: AccountId,
): boolean => cursor !== undefined && cursor.accountId !== accountId;

/** 400 to a cursor that another list has given out than that of `whose`. */
export const notGivenOutBy = (whose: string): Problem => {
  const message = `must be a nextCursor that the list of ${whose} has given out`;
  return {
    code: 'validation_failed',
    detail: `cursor ${message}.`,
    errors: [{ path: 'cursor', message }],
  };
};

/** 400 to a cursor of another account. */
export const cursorOfOther = notGivenOutBy('this account');

/**
 * The answer's `nextCursor`.
 * @param before the position to go on from; `undefined` where the list ends: there is no cursor
 *   then.
 */
export const nextCursor = (
  before: string | number | object | undefined,
): { nextCursor?: string } =>
  before === undefined
    ? {}
    : {
        nextCursor: Buffer.from(JSON.stringify({ v: CURSOR_VERSION, before })).toString(
          'base64url',
        ),
      };

const decode = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
};
