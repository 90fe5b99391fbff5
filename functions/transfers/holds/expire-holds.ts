import { type AccountId, Timestamp } from '../../../events/values.ts';
import { inParallel } from '../../runtime/in-parallel.ts';
import type { Telemetry } from '../../runtime/telemetry.ts';
import type { CommandRequest } from '../../store/deciding/command-result.ts';
import type { Store } from '../../store/store.ts';
import { holdShards } from '../../views/transfer-row.ts';
import type { DueHold, Views } from '../../views/views.ts';

/** How many holds of one partition of the index a call gives back. */
const MOST_PER_SHARD = 500;

/** How many it takes from a partition before it has them decided, those of one account together. */
const HOLDS_AT_ONCE = 50;

/** How many accounts of one partition it works on at once. */
const ACCOUNTS_AT_ONCE = 5;

/** What one call did. */
export interface Expiry {
  /** Holds whose time is over, as far as the call saw them. */
  readonly due: number;
  /** How many of them have ended: given back now, or captured or voided before. */
  readonly ended: number;
  /** Whether there may be more, which the next call goes on with. */
  readonly hasMore: boolean;
}

/** What giving holds back takes. */
export interface ExpiryDependencies {
  readonly views: Pick<Views, 'dueHolds'>;
  readonly store: Pick<Store, 'executeTogether'>;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /** How long a call begins work, in milliseconds. */
  readonly budget: number;
}

/**
 * Gives back the holds whose time is over, every minute. The source's stream decides: a hold that
 * was captured or voided meanwhile stays so, and one whose time is not over by the clock of the
 * commit stays held. So a call may come twice, early or late; being late lets nobody capture what
 * has expired, which the capture's own commit refuses.
 *
 * A call takes at most 500 holds of each of the index's partitions, those first that have been
 * over for longest, and as many as the time allows. What has ended leaves the index: the next call
 * goes on where this one stopped. What failed counts for nothing, so that it hides no other.
 * @throws {Error} where something failed, once all else was done: the invocation fails, an alarm
 *   rings, and the next minute's goes on.
 */
export const createHandler =
  ({ views, store, telemetry, clock, budget }: ExpiryDependencies) =>
  async (_event: unknown): Promise<Expiry> => {
    const { logger, count, measure } = telemetry;
    const now = clock();
    const before = Timestamp.parse(new Date(now).toISOString());
    let [due, ended, failed, oldest] = [0, 0, 0, 0];
    let [hasMore, sawEverything] = [false, true];
    const isOverdue = ({ expiresAt }: DueHold) => {
      oldest = Math.max(oldest, now - Date.parse(expiresAt));
    };
    const fail = (message: string, error: unknown, context?: object) => {
      failed += 1;
      logger.error(message, { ...context, error });
    };

    /** @returns how many of some holds have ended. */
    const giveBack = async (holds: readonly DueHold[]): Promise<number> => {
      let done = 0;
      await inParallel(
        Map.groupBy(holds, ({ from }) => from),
        ACCOUNTS_AT_ONCE,
        async ([accountId, ofAccount]) => {
          const results = await decide(store, accountId, ofAccount, fail);
          for (const [index, hold] of ofAccount.entries()) {
            const result = results[index];
            if (result?.outcome === 'accepted') done += 1;
            else {
              isOverdue(hold);
              const { transferId } = hold;
              if (result) fail('a hold could not be given back', result, { accountId, transferId });
            }
          }
        },
      );
      ended += done;
      return done;
    };

    const expireShard = async (shard: string): Promise<void> => {
      const unreadable = (row: Error) => fail('a row of a hold cannot be read', row);
      let doneHere = 0;
      let waiting: DueHold[] = [];
      for await (const hold of views.dueHolds(shard, before, unreadable)) {
        if (doneHere + waiting.length >= MOST_PER_SHARD || clock() >= now + budget) {
          hasMore = true;
          isOverdue(hold);
          break;
        }
        due += 1;
        waiting.push(hold);
        if (waiting.length < HOLDS_AT_ONCE) continue;
        doneHere += await giveBack(waiting);
        waiting = [];
      }
      await giveBack(waiting);
    };
    await Promise.all(
      holdShards.map(async (shard) => {
        try {
          await expireShard(shard);
        } catch (error) {
          // A partition that cannot be read does not keep the others from being worked on.
          sawEverything = false;
          fail('the holds of a partition could not be looked for', error, { shard });
        }
      }),
    );

    // It reports 0 too: where there is no value, no call has looked.
    if (sawEverything || oldest > 0) measure('OldestOverdueHoldAge', oldest);
    count('HoldsExpired', ended);
    count('HoldExpiryFailures', failed);
    if (due > 0 || hasMore) logger.info('holds were over', { due, ended, failed, hasMore });
    if (failed > 0)
      throw new Error(
        `${failed} failures on the way to ${due} holds that are over; ${ended} ended`,
      );
    return { due, ended, hasMore };
  };

/** Has the holds of one account decided together. @returns nothing where its stream fails. */
const decide = async (
  store: ExpiryDependencies['store'],
  accountId: AccountId,
  holds: readonly DueHold[],
  fail: (message: string, error: unknown, context?: object) => void,
) => {
  try {
    return await store.executeTogether(accountId, holds.map(expireRequest));
  } catch (error) {
    // The holds of other accounts must not fail with it.
    fail('the holds of an account could not be given back', error, { accountId });
    return [];
  }
};

/** The request needs no key: once the hold is gone, it is done. */
const expireRequest = ({ transferId, from, correlationId, actor }: DueHold): CommandRequest => ({
  command: { type: 'expire', accountId: from, transferId },
  actor,
  correlationId,
});
