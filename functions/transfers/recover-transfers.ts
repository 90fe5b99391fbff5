import * as z from 'zod/mini';
import { type AccountId, Timestamp } from '../../events/values.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { readInput } from '../runtime/read-input.ts';
import type { ReservedAt, Views } from '../views/views.ts';
import { AHEAD_AFTER_MS, LATE_AFTER_MS } from './attempts.ts';
import { type AccountsPage, openReservations, ScanPosition, type Streams } from './reservations.ts';
import { createStarter, type Starter, type StarterDependencies } from './start-again.ts';
import { inputOf } from './workflow.ts';

/** How many transfers, or accounts, it works on at once. */
const TRANSFERS_AT_ONCE = 10;

/**
 * The schedule's event, whose fields do not matter, or an operator's: `{"from":"streams"}` finds
 * open reservations in the streams themselves, should the views be in doubt, and
 * `{"from":"streams","after":…}` goes on where another call stopped.
 */
const Input = z
  .object({ from: z.optional(z.enum(['views', 'streams'])), after: z.optional(ScanPosition) })
  .check(
    z.refine(
      ({ from, after }) => after === undefined || from === 'streams',
      'takes after with "streams" alone',
    ),
  );

/** What one search found. */
export interface Recovery {
  /**
   * Open transfers that are late: reserved more than a minute ago, or by a clock that was ahead.
   */
  readonly found: number;
  /** How many of them were started again; the others are in hand. */
  readonly started: number;
  /** How many of them were left, because 1,000 were started already. */
  readonly left: number;
  /**
   * The input that makes the function go on, where a search of the streams stopped before their
   * end.
   */
  readonly next?: z.infer<typeof Input> | undefined;
}

/** What searching and starting take. */
export interface RecoveryDependencies extends StarterDependencies {
  readonly views: Pick<Views, 'openTransfers'>;
  readonly store: Streams;
  /** The accounts whose streams may hold open reservations, from a place on. */
  readonly accounts: (after: ScanPosition | undefined) => AsyncIterable<AccountsPage>;
}

/**
 * Starts again the transfers that are open and late: their execution failed for good, or was never
 * started. Every step is repeatable, so it does no harm where another execution is still at work;
 * but it costs something, so a transfer is tried ever more seldom (see `attemptFor`), not while its
 * last execution is running, and one call starts at most 1,000.
 *
 * One row, account or page that cannot be read does not keep the others from being recovered.
 *
 * An operator's `{"from":"streams"}` needs no views. It stops in time, and its answer has in `next`
 * the input that goes on, until an answer has no `next`; the error of a call where something failed
 * says it too.
 * @returns how many transfers it found, started and left.
 * @throws {Error} where something failed, once all else was done: the invocation fails, an alarm
 *   rings, and the next minute's goes on.
 */
export const createHandler =
  (dependencies: RecoveryDependencies) =>
  async (event: unknown): Promise<Recovery> => {
    const { from = 'views', after } = readInput(Input, event);
    const starter = createStarter(dependencies);
    const next =
      from === 'views'
        ? await searchViews(dependencies, starter)
        : await search(dependencies, starter, after);
    const { found, started, failed, left } = starter.finish();
    if (next) dependencies.telemetry.logger.info('the search of the streams can go on', { next });
    if (failed > 0) {
      const goOn = next ? `; go on with ${JSON.stringify(next)}` : '';
      throw new Error(
        `${failed} failures on the way to ${found} open transfers; ${started} are started again, ${left} left${goOn}`,
      );
    }
    return { found, started, left, ...(next ? { next } : {}) };
  };

const searchViews = async (
  { views, clock }: Pick<RecoveryDependencies, 'views' | 'clock'>,
  starter: Starter,
): Promise<undefined> => {
  const from = (milliseconds: number) =>
    Timestamp.parse(new Date(clock() + milliseconds).toISOString());
  const searches: ReservedAt[] = [
    { before: from(-LATE_AFTER_MS) },
    { after: from(AHEAD_AFTER_MS) },
  ];
  for (const reserved of searches) {
    const unreadable = (row: Error) =>
      starter.fail('a row of an open transfer cannot be read', row);
    const found = starter.inTime(views.openTransfers(reserved, unreadable));
    await starter.trying('the views could not be searched', () =>
      inParallel(found, TRANSFERS_AT_ONCE, (transfer) =>
        starter.startAgain(inputOf(transfer), transfer.reservedAt),
      ),
    );
  }
};

/** @returns what to call the function with for the rest; `undefined` where there is none. */
const search = async (
  { store, accounts }: Pick<RecoveryDependencies, 'store' | 'accounts'>,
  starter: Starter,
  after: ScanPosition | undefined,
): Promise<Recovery['next']> => {
  const from = (position: ScanPosition | undefined): Recovery['next'] => ({
    from: 'streams',
    ...(position ? { after: position } : {}),
  });
  const startAllOf = async (accountId: AccountId) => {
    const open = openReservations(store, accountId, starter.isDue);
    for await (const { transfer, reservedAt } of starter.inTime(open))
      await starter.startAgain(transfer, reservedAt);
  };
  let position = after;
  let stopped = true;
  await starter.trying('the accounts could not be searched', async () => {
    for await (const page of accounts(after)) {
      position = page.after;
      if (starter.hasStopped()) return;
      for (const streamId of page.unreadable) {
        starter.fail('a stream is not that of an account', new Error('its id cannot be one'), {
          accountId: String(streamId),
        });
      }
      await inParallel(page.accounts, TRANSFERS_AT_ONCE, (accountId) =>
        starter.trying(
          'the reservations of an account could not be read',
          () => startAllOf(accountId),
          { accountId },
        ),
      );
      // A search that goes on finds the rest of this page again.
      if (starter.hasStopped()) return;
    }
    stopped = false;
  });
  return stopped ? from(position) : undefined;
};
