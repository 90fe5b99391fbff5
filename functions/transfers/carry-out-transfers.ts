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
 * How long a batch goes on, in milliseconds: within its function's timeout, with some seconds for
 * what is begun last.
 */
interface Budget {
  /** Until no more account's steps are begun: what is left is left to the workflow. */
  readonly steps: number;
  /** Until no more executions are started: what is left is reported. */
  readonly starts: number;
}

/** How many accounts are worked on, and how many executions started, at once. */
const ACCOUNTS_AT_ONCE = 20;
const STARTS_AT_ONCE = 10;

/**
 * Carries out the transfers whose reservations come in a batch of the events table's stream:
 * credits them, those to one account in one commit, and settles the credited ones, those from one
 * account in one commit. Most transfers end here.
 *
 * What does not go straight (the credit is rejected, an account cannot be written to in time, a
 * result is not known) is left to the workflow, which tries again and releases; its execution is
 * named by the transfer's id. Every step may be repeated, so a batch that is delivered again does
 * nothing twice. What could neither be ended nor handed over is reported for delivery again.
 *
 * That there is a reservation for what is credited needs no asking: its own commit comes with the
 * stream. Where that has ended since, so is its credit recorded, and the record answers.
 *
 * A stream record that is no commit, or one that this code cannot read, will be so however often it
 * is delivered, and would hold up its shard: it is logged, counted as `UnreadableRecords` and
 * passed over. What it reserves, if anything, is found by recover-transfers.
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
      // One that does not say where it stands cannot be passed over: Lambda takes an empty
      // identifier for the whole batch.
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
    // Those that are also paid are about to be written to.
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
 * How long the slowest took that were settled, in milliseconds: since its reservation, by a clock
 * that may have been ahead.
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

/** What doing steps takes; no account's are begun after `deadline`. */
type Steps = Pick<CarryOutDependencies, 'store' | 'telemetry' | 'clock'> & {
  readonly deadline: number;
};

/**
 * Keeps what a reservation's commit says of its source: mostly nothing has happened there since,
 * and settling then takes no read. Where several commands were decided in one commit others are
 * about, and it is likely to be behind.
 */
const remember = (tails: Map<AccountId, Tail>, commit: Commit): void => {
  tails.delete(commit.streamId);
  if (hasSnapshot(commit) && commit.batch === 1) tails.set(commit.streamId, tailAt(commit));
};

/**
 * Has a command of every transfer decided, those of one account together. @returns the transfers
 * whose command was accepted.
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
 * @returns one result for each request, in order; none where the account's stream cannot be worked
 * on, or not in time.
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
    // The transfers of other accounts are not to fail with it.
    telemetry.logger.error('the transfers of an account are left to the workflow', {
      accountId,
      error,
    });
    return [];
  }
};
