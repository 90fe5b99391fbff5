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
import { costOf, type MeasuredCost, type Way } from './measured-cost.ts';

/**
 * Measures what it costs to keep the views up to a command of each kind, one commit at a time:
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
    const openings = await costOf(meter, { callers: 1, each: accounts.length }, project);
    await store.execute(requests.deposit(source, 100));
    const deposit = await costOf(meter, ONCE, project);
    const ofTransfer = async (way: Way): Promise<MeasuredCost> => {
      const atOnce = way === 'transfer, the short way';
      const transfer = { id: `viewed-${atOnce}`, from: source, to: destination, amount: 1 };
      const { signal } = new AbortController();
      const outcome = await transferInSteps(store, transfer, signal, atOnce);
      if (outcome !== 'settled') throw new Error(`the transfer was ${outcome}`);
      const cost = await costOf(meter, ONCE, project);
      return { design: HOLDFAST, operation: `views of a ${way}`, ...cost };
    };
    return [
      { design: HOLDFAST, operation: 'views of an opening', ...openings },
      { design: HOLDFAST, operation: 'views of a deposit', ...deposit },
      await ofTransfer('transfer, the short way'),
      await ofTransfer('transfer, the long way'),
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
