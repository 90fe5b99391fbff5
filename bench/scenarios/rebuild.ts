import { setTimeout } from 'node:timers/promises';
import { createHandler } from '../../functions/projections/rebuild-views.ts';
import { createViewWriter } from '../../functions/projections/view-writer.ts';
import { budgets } from '../../functions/runtime/budgets.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import type { Rebuilt } from '../../rebuild/invoke.ts';
import { run } from '../../rebuild/run.ts';
import { hold } from '../audit/rule.ts';
import { createStoreCaller } from '../contestants/store-caller.ts';
import type { Engine } from '../engine.ts';
import { plantTraffic } from '../load/plant.ts';
import { type Memory, watchMemory } from '../machine/memory.ts';
import { createMeter, meteredClient } from '../metering.ts';
import { amount } from '../report/numbers.ts';
import type { Findings, Scenario } from '../scenario.ts';
import { withEngine } from '../warm-engine.ts';

/** Views of a long history, made from nothing, and then compared: the handler of rebuild-views. */
export const rebuild: Scenario = {
  name: 'rebuild',
  summary: 'the views of 1,000,000 events made from nothing, and compared: rate and memory',
  // Once, however many runs there are: it takes minutes, which even out what a shared machine does.
  run: async ({ progress, speeds }): Promise<Findings> => {
    progress.start('rebuild', 3);
    await speeds.take('rebuild');
    const measured = await withEngine((engine) => measureOnce(engine, progress.step));
    const rows = (['made', 'compared'] as const).map((what) => [
      what === 'made' ? 'made from nothing' : 'compared, nothing differs',
      amount(measured[what].seconds),
      amount(EVENTS / measured[what].seconds),
      amount(measured[what].memory.process),
      amount(measured[what].memory.engine),
    ]);
    return {
      tables: [
        {
          title: `The views of ${EVENTS.toLocaleString('en')} events of ${ACCOUNTS.toLocaleString('en')} accounts`,
          columns: ['', 'seconds', 'events a second', 'memory, MB', 'of the engine, MB'],
          rows,
          note:
            `A commit for each event, one of ${EVENTS_PER_TRANSFER} a transfer: ` +
            `${amount(measured.items)} items of the views, of transfers, their pointers and accounts. ` +
            `${SEGMENTS} parts at once, as \`npm run rebuild\` has them. The memory is the most that the process had ` +
            'in use that ran the handler, the bench itself included.',
        },
      ],
      targets: [],
      figures: measured,
    };
  },
};

const EVENTS = 1_000_000;
const ACCOUNTS = 1_000;
const EVENTS_PER_TRANSFER = 10;
const SEGMENTS = 4;

/** As the command line has it. */
const COMMAND = {
  ...{ target: { url: '' }, accounts: undefined, segments: SEGMENTS, state: '', anew: true },
};
/** A run that nobody goes on with. */
const FORGETFUL = {
  read: async () => undefined,
  write: async () => {},
  remove: async () => {},
};
const UNWATCHED = { begin: () => {}, partEnded: () => {}, counted: () => {} };

/** What goes wrong is printed, what goes well is not. */
const telemetry: Telemetry = {
  logger: { info: () => {}, warn: console.error, error: console.error },
  count: () => {},
  measure: () => {},
};

interface Part {
  readonly seconds: number;
  readonly memory: Memory;
}
interface Measured {
  readonly made: Part;
  readonly compared: Part;
  /** Of the views. */
  readonly items: number;
}

const measureOnce = async (engine: Engine, step: (what: string) => void): Promise<Measured> => {
  const database = await engine.database({ eventsStream: false });
  const client = meteredClient({ config: database.direct }, createMeter());
  const { store, close } = createStoreCaller(database, createMeter(), { queueing: false });
  try {
    step('writing the history');
    const ids = Array.from({ length: ACCOUNTS }, (_, n) => `rebuilt-${n}`);
    const { events, views: table } = database.tables;
    await plantTraffic(client, events, ids, EVENTS / ACCOUNTS, EVENTS_PER_TRANSFER);
    const views = {
      ...{ client, table, clock: Date.now, random: Math.random },
      sleep: (milliseconds: number) => setTimeout(milliseconds),
    };
    const handler = createHandler({
      ...{ events: { client, table: events }, views, store, writer: createViewWriter(views) },
      ...{ telemetry, budget: budgets.rebuild.pages, grace: budgets.rebuild.lastPage },
    });
    const part = async (diff: boolean) => {
      const mostMemory = watchMemory();
      const begunAt = performance.now();
      const { tally } = await run(
        { ...COMMAND, diff },
        // As it goes to a function and back.
        async (input): Promise<Rebuilt> => JSON.parse(JSON.stringify(await handler(input))),
        FORGETFUL,
        UNWATCHED,
      );
      return { tally, seconds: (performance.now() - begunAt) / 1_000, memory: mostMemory() };
    };
    step('making its views');
    const made = await part(false);
    step('comparing them');
    const compared = await part(true);
    const { commits, missing, different, extra, unreadable, unknown } = compared.tally;
    hold(
      commits === EVENTS && [missing, different, extra, unreadable, unknown].every((n) => n === 0),
      `the views that were made differ from the streams: ${JSON.stringify(compared.tally)}`,
    );
    return { made, compared, items: compared.tally['rows'] ?? 0 };
  } finally {
    close();
    client.destroy();
  }
};
