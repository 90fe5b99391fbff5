import { setTimeout } from 'node:timers/promises';
import { AccountId } from '../../events/values.ts';
import { foldCommits } from '../../functions/projections/fold-commits.ts';
import { createViewWriter } from '../../functions/projections/view-writer.ts';
import { createStoreCaller } from '../contestants/store-caller.ts';
import { transferInSteps } from '../contestants/transfer-steps.ts';
import type { Database } from '../engine.ts';
import { requests } from '../load/ledger-requests.ts';
import { createMeter, meteredClient } from '../metering.ts';
import { HOLDFAST } from './holdfast-costs.ts';
import { costOf, type MeasuredCost } from './measured-cost.ts';

/**
 * Measures what it costs to keep the views up to a deposit and to a transfer, one commit at a time:
 * nothing is written together then, so this is the most it can cost.
 */
export const measureViews = async (database: Database): Promise<MeasuredCost[]> => {
  const meter = createMeter();
  const client = meteredClient(database, meter);
  const writer = createViewWriter({
    client,
    table: database.tables.views,
    clock: Date.now,
    random: Math.random,
    sleep: (milliseconds) => setTimeout(milliseconds),
  });
  const { store, close } = createStoreCaller(database, createMeter(), { queueing: true });
  const projected = new Map<string, number>();
  const project = async () => {
    for (const id of accounts) {
      const from = (projected.get(id) ?? 0) + 1;
      for await (const commit of store.history(AccountId.parse(id), { from })) {
        if (commit.version < from) continue;
        const failed = await writer.write(foldCommits([commit]), Date.now() + BUDGET_MS);
        for (const error of failed.values()) throw error;
        projected.set(id, commit.version + commit.count - 1);
      }
    }
  };
  try {
    for (const id of accounts) await store.execute(requests.open(id));
    await project();
    await store.execute(requests.deposit(source, 100));
    const deposit = await costOf(meter, ONCE, project);
    const transfer = { id: 'viewed', from: source, to: destination, amount: 1 };
    const outcome = await transferInSteps(store, transfer, new AbortController().signal);
    if (outcome !== 'settled') throw new Error(`the transfer was ${outcome}`);
    const ofTransfer = await costOf(meter, ONCE, project);
    return [
      { design: HOLDFAST, operation: 'views of a deposit', ...deposit },
      { design: HOLDFAST, operation: 'views of a transfer', ...ofTransfer },
    ];
  } finally {
    close();
    client.destroy();
  }
};

const [source, destination] = ['viewed-source', 'viewed-destination'] as const;
const accounts = [source, destination];
/** More than one commit's views ever take, in milliseconds. */
const BUDGET_MS = 10_000;
const ONCE = { callers: 1, each: 1 };
