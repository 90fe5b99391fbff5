import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AccountId } from '../../events/values.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { hasSnapshot, type Tail, tailAt } from '../store/stream/tail.ts';
import { type Reservation, readReservations } from './delivered/delivered-reservations.ts';
import { type HandOverDependencies, handOver } from './delivered/hand-over.ts';
import { creditRequest, settleRequest } from './steps/step-requests.ts';
import { logContext, type TransferInput } from './workflow.ts';

/**
 * How long a batch goes on, in milliseconds: within its function's timeout, with some seconds left
 * for the last step.
 */
interface Budget {
  /** How long it begins accounts' steps: it leaves the rest to the workflow. */
  readonly steps: number;
  /** How long it starts executions: it reports the rest. */
  readonly starts: number;
}

/** How many accounts it works on at once. */
const ACCOUNTS_AT_ONCE = 20;

/**
 * Carries out the transfers whose reservations come in a batch of the events table's stream:
 * credits those to one account in one commit, then settles the credited ones of one source in one
 * commit. Most transfers end here.
 *
 * It leaves the other transfers (the credit is rejected, an account cannot be written to in time, a
 * result is not known) to the workflow, which tries again and releases; the transfer's id names its
 * execution. Every step may be repeated, so a batch that is delivered again does nothing twice. A
 * transfer that it could neither end nor hand over is reported for delivery again.
 *
 * It need not ask whether a transfer has its reservation: the reservation's own commit comes with
 * the stream. Where it has ended since, the record of its credit answers.
 *
 * Stream records that nobody can read are passed over.
 */
export const createHandler =
  (dependencies: CarryOutDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { telemetry, clock, budget } = dependencies;
    const { logger, count, measure } = telemetry;
    const begun = clock();
    const delivered = readReservations(Records, telemetry);
    const { reserved, commits } = delivered;
    const transfers = [...reserved.keys()];
    const tails = tailsOf(commits);
    // The accounts that are also paid are about to change.
    for (const { to } of transfers) tails.delete(to);
    const inTime = { ...dependencies, deadline: begun + budget.steps };
    const credited = await acceptedOf(inTime, transfers, ({ to }) => to, creditRequest);
    const settled = new Set(
      await acceptedOf(inTime, credited, ({ from }) => from, settleRequest, tails),
    );
    for (const transfer of settled) logger.info('settled', logContext(transfer));
    if (settled.size > 0) measure('TransferTime', slowestOf(settled, reserved, clock()));
    count('TransfersCarriedOut', settled.size);
    return handOver(
      dependencies,
      delivered,
      (transfer) => settled.has(transfer),
      begun + budget.starts,
    );
  };

/**
 * How long the slowest settled transfer took, in milliseconds: since its reservation, whose clock
 * may have been ahead.
 */
const slowestOf = (
  settled: Iterable<TransferInput>,
  reserved: ReadonlyMap<TransferInput, Reservation>,
  now: number,
): number =>
  Math.max(0, ...Array.from(settled, (transfer) => now - (reserved.get(transfer)?.at ?? now)));

/** What carrying out takes. */
export interface CarryOutDependencies extends HandOverDependencies {
  readonly store: Pick<Store, 'executeTogether'>;
  readonly budget: Budget;
}

/** What doing steps takes; no account's steps begin after `deadline`. */
type Steps = Pick<CarryOutDependencies, 'store' | 'telemetry' | 'clock'> & {
  readonly deadline: number;
};

/**
 * The tail that each account's last commit makes: mostly nothing has happened on a source since its
 * reservation, and settling then takes no read. A commit of several commands is left out: others
 * are at work there, and its tail is likely to be behind.
 */
const tailsOf = (commits: readonly Commit[]): Map<AccountId, Tail> => {
  const tails = new Map<AccountId, Tail>();
  for (const commit of commits) {
    tails.delete(commit.streamId);
    if (hasSnapshot(commit) && commit.batch === 1) tails.set(commit.streamId, tailAt(commit));
  }
  return tails;
};

/**
 * Has a command of every transfer decided, those of one account together.
 * @returns the transfers whose command was accepted.
 */
const acceptedOf = async (
  steps: Steps,
  transfers: readonly TransferInput[],
  accountOf: (transfer: TransferInput) => AccountId,
  requestOf: (transfer: TransferInput) => CommandRequest,
  tails: ReadonlyMap<AccountId, Tail> = new Map(),
): Promise<readonly TransferInput[]> => {
  const accepted: TransferInput[] = [];
  await inParallel(
    Map.groupBy(transfers, accountOf),
    ACCOUNTS_AT_ONCE,
    async ([accountId, group]) => {
      const results = await resultsOf(steps, accountId, group.map(requestOf), tails.get(accountId));
      accepted.push(...group.filter((_, index) => results[index]?.outcome === 'accepted'));
    },
  );
  return accepted;
};

/**
 * @returns one result for each request, in order; none where the account's stream fails, or the
 *   time is up.
 */
const resultsOf = async (
  { store, telemetry, clock, deadline }: Steps,
  accountId: AccountId,
  requests: readonly CommandRequest[],
  tail: Tail | undefined,
): Promise<readonly CommandResult[]> => {
  try {
    if (clock() >= deadline) throw new Error('the time for the steps of this batch is up');
    const results = await store.executeTogether(accountId, requests, tail);
    for (const result of results) {
      if (result.outcome !== 'undecided' || result.cause === undefined) continue;
      telemetry.logger.error('a step failed, and is left to the workflow', {
        accountId,
        error: result.cause,
      });
    }
    return results;
  } catch (error) {
    // The transfers of other accounts must not fail with it.
    telemetry.logger.error('the transfers of an account are left to the workflow', {
      accountId,
      error,
    });
    return [];
  }
};
