import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AccountId } from '../../events/values.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { isReadable, readCommitRecord } from '../store/stream/delivered-commit.ts';
import { hasSnapshot, type Tail, tailAt } from '../store/stream/tail.ts';
import { reservedIn } from './reservations.ts';
import { creditRequest, settleRequest } from './step-requests.ts';
import { logContext, type TransferInput, type TransferWorkflow } from './workflow.ts';

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

/** How many accounts it works on, and how many executions it starts, at once. */
const ACCOUNTS_AT_ONCE = 20;
const STARTS_AT_ONCE = 10;

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
 * A stream record that is no commit, or one that this code cannot read, would fail in every
 * delivery and hold up its shard: it is logged, counted as `UnreadableRecords` and passed over.
 * recover-transfers finds the transfers that it may reserve.
 */
export const createHandler =
  (dependencies: CarryOutDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { workflow, telemetry, clock, budget } = dependencies;
    const { logger, count, measure } = telemetry;
    const begun = clock();
    const failed = new Set<string>();
    const reserved = new Map<TransferInput, Reservation>();
    const tails = new Map<AccountId, Tail>();
    let unreadable = 0;
    for (const record of Records.map(readCommitRecord)) {
      const { sequenceNumber, streamId, version } = record;
      // A stream record without its place cannot be passed over: Lambda takes an empty identifier
      // for the whole batch.
      if (sequenceNumber === '') failed.add(sequenceNumber);
      if (isReadable(record)) {
        const at = Date.parse(record.commit.at);
        for (const transfer of reservedIn(record.commit))
          reserved.set(transfer, { sequenceNumber, at });
        remember(tails, record.commit);
      } else {
        unreadable += 1;
        logger.error('a record of the stream is passed over', {
          accountId: streamId,
          version,
          error: record.problem,
        });
      }
    }

    const transfers = [...reserved.keys()];
    // The accounts that are also paid are about to change.
    for (const { to } of transfers) tails.delete(to);
    const inTime = { ...dependencies, deadline: begun + budget.steps };
    const credited = await acceptedOf(inTime, transfers, ({ to }) => to, creditRequest);
    const settled = new Set(
      await acceptedOf(inTime, credited, ({ from }) => from, settleRequest, tails),
    );
    for (const transfer of settled) logger.info('settled', logContext(transfer));

    let started = 0;
    await inParallel(
      [...reserved].filter(([transfer]) => !settled.has(transfer)),
      STARTS_AT_ONCE,
      async ([transfer, { sequenceNumber }]) => {
        try {
          if (clock() >= begun + budget.starts) throw new Error('the time for this batch is up');
          const outcome = await workflow.start(transfer.transferId, transfer);
          if (outcome === 'started') started += 1;
          logger.info('left to the transfer workflow', { ...logContext(transfer), outcome });
        } catch (error) {
          logger.error('the transfer workflow could not be started', {
            ...logContext(transfer),
            error,
          });
          failed.add(sequenceNumber);
        }
      },
    );
    if (settled.size > 0) measure('TransferTime', slowestOf(settled, reserved, clock()));
    count('TransfersSettledAtOnce', settled.size);
    count('TransfersLeftToWorkflow', started);
    count('TransferStartFailures', failed.size);
    count('UnreadableRecords', unreadable);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };

/** Where a reservation came from, and when it was made, in milliseconds since 1970. */
interface Reservation {
  readonly sequenceNumber: string;
  readonly at: number;
}

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
export interface CarryOutDependencies {
  readonly store: Pick<Store, 'executeTogether'>;
  readonly workflow: Pick<TransferWorkflow, 'start'>;
  readonly telemetry: Telemetry;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  readonly budget: Budget;
}

/** What doing steps takes; no account's steps begin after `deadline`. */
type Steps = Pick<CarryOutDependencies, 'store' | 'telemetry' | 'clock'> & {
  readonly deadline: number;
};

/**
 * Keeps the tail that a reservation's commit makes: mostly nothing has happened on its source
 * since, and settling then takes no read. A commit of several commands is left out: others are at
 * work there, and its tail is likely to be behind.
 */
const remember = (tails: Map<AccountId, Tail>, commit: Commit): void => {
  tails.delete(commit.streamId);
  if (hasSnapshot(commit) && commit.batch === 1) tails.set(commit.streamId, tailAt(commit));
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
