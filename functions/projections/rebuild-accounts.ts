import * as z from 'zod/mini';
import { AccountId } from '../../events/values.ts';
import type { AccountView } from '../ledger/account.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { type Portion, type Projection, portionOf } from './project-accounts.ts';

/**
 * What became of one account's views: the version they are at now, or why they are as they were.
 */
export type Rebuilt =
  | { readonly accountId: AccountId; readonly version: number }
  | { readonly accountId: AccountId; readonly problem: string };

const Rebuild = z.strictObject({
  accounts: z.array(AccountId).check(z.minLength(1), z.maxLength(100)),
});

/**
 * Reads the accounts whose views to make anew: `{"accounts":["a","b"]}`, 1 to 100 of them.
 * @throws {Error} which names what is wrong.
 */
export const readRebuild = (input: unknown): readonly AccountId[] =>
  readInput(Rebuild, input).accounts;

/** How often to begin an account, where another run moves its views on meanwhile. */
const ATTEMPTS = 3;

/**
 * Makes accounts' views anew from their streams, one account after the other, whatever state they
 * are in. It writes all rows again, and the summary last, so that readers see the old rows become
 * right and the summary go forward. Rows that follow from no event would stay, but nothing ever
 * makes such rows.
 * @param deadline in milliseconds since 1970: an account that is not done by then has a problem,
 *   and the operator can ask for it again.
 * @returns what became of each, in order.
 */
export const rebuildAccounts = async (
  projection: Projection,
  { logger, count }: Telemetry,
  accounts: readonly AccountId[],
  deadline: number,
): Promise<readonly Rebuilt[]> => {
  const rebuilt: Rebuilt[] = [];
  for (const accountId of accounts) {
    try {
      const version = await rebuild(projection, accountId, deadline);
      logger.info('the views of an account are made anew', { accountId, version });
      rebuilt.push({ accountId, version });
    } catch (error) {
      logger.error('the views of an account could not be made anew', { accountId, error });
      count('ProjectionFailures', 1);
      rebuilt.push({ accountId, problem: messagesOf(error) });
    }
  }
  return rebuilt;
};

const rebuild = async (
  projection: Projection,
  accountId: AccountId,
  deadline: number,
): Promise<number> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // Read before the stream, so that a run that moves the summary on meanwhile is not undone.
    const standing = await projection.writer.standing(accountId, deadline);
    const summary = await writeRows(projection, accountId, deadline);
    if (!summary) throw new Error(`there is no account ${accountId}`);
    if (await projection.writer.replaceSummary(summary, standing, deadline)) return summary.version;
  }
  throw new Error(`other runs kept moving the views of ${accountId} on: they are followed`);
};

const writeRows = async (
  projection: Projection,
  accountId: AccountId,
  deadline: number,
): Promise<AccountView | undefined> => {
  let summary: AccountView | undefined;
  for (
    let portion: Portion | undefined, isLast = false;
    !isLast;
    isLast = portion?.isLast ?? true
  ) {
    const from = (summary?.version ?? 0) + 1;
    portion = await portionOf(
      projection,
      accountId,
      summary,
      projection.store.history(accountId, { from }),
      deadline,
    );
    if (!portion) break;
    await projection.writer.writeRows([portion.changes], deadline);
    summary = portion.changes.summary;
  }
  return summary;
};

/** An error's message and those of its causes: the operator has only the answer to go by. */
const messagesOf = (error: unknown): string =>
  error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : [messagesOf(error.cause)])].join(': ')
    : String(error);
