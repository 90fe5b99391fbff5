import type { Contestant } from '../contestants/contestant.ts';
import { createFoldingStore } from '../contestants/others/folding-store.ts';
import type { Database, Engine } from '../engine.ts';
import { uniform } from '../load/workload.ts';
import { createMeter, meteredClient } from '../metering.ts';
import { costOf, type MeasuredCost } from './measured-cost.ts';

/** The name of the design that is measured here. */
export const FOLDING = 'the whole stream read';

const ONCE = { callers: 1, each: 1 };

/**
 * Measures what a deposit and a transfer cost where every command reads its whole stream, alone:
 * among other callers, each try costs that much.
 * @param histories numbers of events.
 */
export const measureFolding = async (
  database: Database,
  histories: readonly number[],
): Promise<MeasuredCost[]> => {
  const meter = createMeter();
  const client = meteredClient(database, meter);
  const store = createFoldingStore(client, database.tables.events);
  const costs: MeasuredCost[] = [];
  for (const history of histories) {
    const account = `folded-${history}`;
    const partner = `partner-of-folded-${history}`;
    await store.plant(account, history);
    await store.plant(partner, 2);
    const deposit = await costOf(meter, ONCE, () => store.move(account, 1));
    const transfer = await costOf(meter, ONCE, async () => {
      await store.move(account, -1);
      await store.move(partner, 1);
    });
    costs.push({ design: FOLDING, operation: 'deposit', history, ...deposit });
    costs.push({ design: FOLDING, operation: 'transfer', history, ...transfer });
  }
  client.destroy();
  return costs;
};

/**
 * Measures what a transfer costs with another design, alone, on 1,000 accounts.
 * @param design as the tables call it.
 */
export const measureDesign = async (
  engine: Engine,
  design: string,
  contestant: Contestant,
): Promise<MeasuredCost> => {
  const workload = uniform({ accounts: 1_000, transfers: 1, concurrency: 1 });
  const bank = await contestant.open(engine, [workload]);
  try {
    const [transfer] = workload.transfers;
    if (!transfer) throw new Error('there is nothing to transfer');
    bank.usage();
    const begunAt = performance.now();
    const outcome = await bank.transfer(transfer, 0, new AbortController().signal);
    const milliseconds = performance.now() - begunAt;
    await bank.audit(new Map([[transfer.id, outcome]]));
    return { design, operation: 'transfer', contention: 1, usage: bank.usage(), milliseconds };
  } finally {
    await bank.close();
  }
};
