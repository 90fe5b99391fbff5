import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { failureOf } from '../../../functions/runtime/failure.ts';
import { UNKNOWN } from '../../load/drive.ts';
import { plantAccounts } from '../../load/plant.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';
import { createMeter, meteredClient } from '../../metering.ts';
import type { Contestant } from '../contestant.ts';
import { retryWithFullJitter } from './retry.ts';
import { auditSides, planSide, sidesOf } from './two-sides.ts';

/**
 * Two streams in one transaction: load both tails, decide, append a commit to each in one
 * transaction, on the condition that both versions are free; after a lost race wait with full
 * jitter and load again. A transfer is whole at once and needs no saga, and both streams must stand
 * still meanwhile. Callers share nothing.
 */
export const twoStreams = (): Contestant => ({
  name: 'two streams in one transaction',
  open: async (engine, workloads) => {
    const database = await engine.database();
    const { events } = database.tables;
    const meter = createMeter();
    const direct = meteredClient({ config: database.direct }, createMeter());
    const accounts = workloads.flatMap((workload) => workload.accounts);
    await plantAccounts(direct, events, accounts, OPENING_BALANCE);

    const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
    const clients = Array.from({ length: most }, () => meteredClient(database, meter));
    return {
      transfer: (transfer, caller, signal) => {
        const tables = { client: clients[caller] ?? direct, eventsTable: events };
        const { debit, credit } = sidesOf(transfer);
        return retryWithFullJitter(signal, async () => {
          try {
            const plans = await Promise.all([planSide(tables, debit), planSide(tables, credit)]);
            const commits = plans.flatMap(({ write }) => write?.commits ?? []);
            if (commits.length < plans.length) return 'rejected';
            await tables.client.send(
              new TransactWriteCommand({
                TransactItems: commits.map((Item) => ({
                  Put: { TableName: events, Item, ConditionExpression: PLACE_IS_FREE },
                })),
              }),
            );
            return 'settled';
          } catch (error) {
            // Another writer took a version, another transaction was there, or DynamoDB throttled.
            return failureOf(error).kind === 'unknown' ? UNKNOWN : undefined;
          }
        });
      },
      usage: meter.take,
      audit: (heard) => auditSides(direct, events, accounts, heard),
      close: async () => {
        for (const client of [direct, ...clients]) client.destroy();
      },
    };
  },
});

const PLACE_IS_FREE = 'attribute_not_exists(streamId)';
