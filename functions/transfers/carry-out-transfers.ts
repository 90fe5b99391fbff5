import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AccountId } from '../../events/values.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { CommandRequest, CommandResult } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from '../store/stream/commit.ts';
import { readCommitRecord } from '../store/stream/delivered-commit.ts';
import { hasSnapshot, type Tail, tailAt } from '../store/stream/tail.ts';
import { reservedIn } from './reservations.ts';
import { creditRequest, settleRequest } from './step-requests.ts';
import { logContext, type TransferInput, type TransferWorkflow } from './workflow.ts';

/** How many accounts are worked on, and how many executions started, at once. */
const ACCOUNTS_AT_ONCE = 20;
const STARTS_AT_ONCE = 10;

/**
 * Carries out the transfers whose reservations come in a batch of the events table's stream: credits them, those to one account
 * in one commit, and settles the credited ones, those from one account in one commit. Most transfers end here.
 *
 * What does not go straight (the credit is rejected, an account cannot be written to in time, a result is not known) is left to
 * the workflow, which tries again and releases; its execution is named by the transfer's id. Every step may be repeated, so a
 * batch that is delivered again does nothing twice. What could neither be ended nor handed over is reported for delivery again.
 */
export const createHandler =
  (dependencies: CarryOutDependencies) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const { workflow, telemetry } = dependencies;
    const { logger, count } = telemetry;
    const failed = new Set<string>();
    const reserved = new Map<TransferInput, string>();
    const tails = new Map<AccountId, Tail>();
    for (const record of Records.map(readCommitRecord)) {
      const { sequenceNumber, streamId, version } = record;
      if ('commit' in record) {
        for (const transfer of reservedIn(record.commit)) reserved.set(transfer, sequenceNumber);
        remember(tails, record.commit);
      } else {
        logger.error('a record of the stream is no commit', { accountId: streamId, version, error: record.problem });
        failed.add(sequenceNumber);
      }
    }

    const transfers = [...reserved.keys()];
    // Those that are also paid are about to be written to.
    for (const { to } of transfers) tails.delete(to);
    const credited = await acceptedOf(dependencies, transfers, ({ to }) => to, creditRequest);
    const settled = new Set(await acceptedOf(dependencies, credited, ({ from }) => from, settleRequest, tails));
    for (const transfer of settled) logger.info('settled', logContext(transfer));

    let started = 0;
    await inParallel(
      [...reserved].filter(([transfer]) => !settled.has(transfer)),
      STARTS_AT_ONCE,
      async ([transfer, sequenceNumber]) => {
        try {
          const outcome = await workflow.start(transfer.transferId, transfer);
          if (outcome === 'started') started += 1;
          logger.info('left to the transfer workflow', { ...logContext(transfer), outcome });
        } catch (error) {
          logger.error('the transfer workflow could not be started', { ...logContext(transfer), error });
          failed.add(sequenceNumber);
        }
      },
    );
    count('TransfersSettledAtOnce', settled.size);
    count('TransfersLeftToWorkflow', started);
    count('TransferStartFailures', failed.size);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };

/** What carrying out takes. */
export interface CarryOutDependencies {
  readonly store: Pick<Store, 'executeTogether'>;
  readonly workflow: TransferWorkflow;
  readonly telemetry: Telemetry;
}

/**
 * Keeps what a reservation's commit says of its source: mostly nothing has happened there since, and settling then takes no read.
 * Where several commands were decided in one commit others are about, and it is likely to be behind.
 */
const remember = (tails: Map<AccountId, Tail>, commit: Commit): void => {
  tails.delete(commit.streamId);
  if (hasSnapshot(commit) && commit.commands === 1) tails.set(commit.streamId, tailAt(commit));
};

/** Has a command of every transfer decided, those of one account together. @returns the transfers whose command was accepted. */
const acceptedOf = async (
  dependencies: CarryOutDependencies,
  transfers: readonly TransferInput[],
  accountOf: (transfer: TransferInput) => AccountId,
  requestOf: (transfer: TransferInput) => CommandRequest,
  tails: ReadonlyMap<AccountId, Tail> = new Map(),
): Promise<readonly TransferInput[]> => {
  const accepted: TransferInput[] = [];
  await inParallel(Map.groupBy(transfers, accountOf), ACCOUNTS_AT_ONCE, async ([accountId, group]) => {
    const results = await resultsOf(dependencies, accountId, group.map(requestOf), tails.get(accountId));
    accepted.push(...group.filter((_, index) => results[index]?.outcome === 'accepted'));
  });
  return accepted;
};

/** @returns one result for each request, in order; none where the account's stream cannot be worked on. */
const resultsOf = async (
  { store, telemetry }: CarryOutDependencies,
  accountId: AccountId,
  requests: readonly CommandRequest[],
  tail: Tail | undefined,
): Promise<readonly CommandResult[]> => {
  try {
    return await store.executeTogether(accountId, requests, tail);
  } catch (error) {
    // The transfers of other accounts are not to fail with it.
    telemetry.logger.error('the transfers of an account are left to the workflow', { accountId, error });
    return [];
  }
};
