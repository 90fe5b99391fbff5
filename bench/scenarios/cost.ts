import { balancesInPlace } from '../contestants/others/balances-in-place.ts';
import { oneAggregate } from '../contestants/others/one-aggregate.ts';
import { auditLine } from '../contestants/summary.ts';
import { HOLDFAST, openHoldfastCosts, RETRYING } from '../cost/holdfast-costs.ts';
import { type MeasuredCost, medianCost, type Operation, type Way } from '../cost/measured-cost.ts';
import { moneyOf } from '../cost/money-table.ts';
import { measureDesign, measureFolding } from '../cost/naive-costs.ts';
import { measureViews } from '../cost/view-costs.ts';
import type { Usage } from '../metering.ts';
import { amount } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario, Target } from '../scenario.ts';
import { withEngine } from '../warm-engine.ts';

/**
 * What a command costs: requests, units and money, after short and long histories, alone and in a
 * crowd.
 */
export const cost: Scenario = {
  name: 'cost',
  summary:
    'requests, units and money per command, at histories of 10 to 100,000 events, alone and with 100 at once',
  run: ({ runs, progress }): Promise<Findings> => {
    progress.start('cost', 4 + runs);
    progress.step(`planting histories of ${HISTORIES.join(', ')} events`);
    // The scenario counts requests, not time: one engine is enough, and every run goes on where the
    // one before it ended.
    return withEngine(async (engine) => {
      const database = await engine.database({ eventsStream: false });
      const holdfast = await openHoldfastCosts(database, HISTORIES);
      const measured: MeasuredCost[] = [];
      try {
        for (let run = 1; run <= runs; run += 1) {
          progress.step(`alone and with 100 at once, run ${run} of ${runs}`);
          for (const { operation, history } of ALONE)
            measured.push(await holdfast.alone(operation, history));
          for (const { design, operation, history } of CONTENDED) {
            measured.push(await holdfast.contended(design, operation, history));
          }
        }
        progress.step('the whole stream read');
        measured.push(...(await measureFolding(database, HISTORIES)));
        progress.step('balances in place, one aggregate');
        measured.push(await measureDesign(engine, 'balances in place', balancesInPlace()));
        measured.push(
          await measureDesign(engine, 'one aggregate of 1,000 accounts', oneAggregate()),
        );
        progress.step('views');
        measured.push(...(await measureViews(await engine.database())));
        const costs = [...Map.groupBy(measured, keyOf).values()].map(medianCost);
        const money = moneyOf(costs);
        return {
          tables: [
            unitTable('What a command asks of DynamoDB, alone', UNITS_NOTE, costs.filter(isAlone)),
            unitTable(
              'The same with 100 callers on one account',
              CROWD_NOTE,
              costs.filter((of) => !isAlone(of)),
            ),
            money.table,
          ],
          targets: [...targetsOf(costs), ...money.targets],
          figures: costs,
          audit: auditLine([await holdfast.audit()]),
        };
      } finally {
        await holdfast.close();
      }
    });
  },
};

const HISTORIES = [10, 1_000, 100_000];
const OPENINGS: readonly Operation[] = ['open', 'open, with id'];
const CHANGES: readonly Operation[] = [
  'deposit',
  'deposit, with id',
  'withdraw',
  'withdraw, with id',
  'transfer, the short way',
  'transfer, the long way',
];

/** An account that is opened has no history. */
const ALONE = [
  ...OPENINGS.map((operation) => ({ operation, history: 0 })),
  ...CHANGES.flatMap((operation) => HISTORIES.map((history) => ({ operation, history }))),
];

const CONTENDED: readonly {
  readonly design: typeof HOLDFAST | typeof RETRYING;
  readonly operation: Operation;
  readonly history: number;
}[] = [
  ...ALONE.map((of) => ({ ...of, design: HOLDFAST }) as const),
  // The cost of retrying does not depend on the history either, and takes long to measure.
  ...(['deposit, with id', 'transfer, the long way'] as const).map(
    (operation) =>
      ({
        design: RETRYING,
        operation,
        history: 1_000,
      }) as const,
  ),
];

const keyOf = ({ design, operation, history, contention }: MeasuredCost): string =>
  [design, operation, history, contention].join('/');

const unitTable = (title: string, note: string, costs: readonly MeasuredCost[]): Table => ({
  title,
  columns: ['command, design', ...HISTORIES.map((events) => `after ${amount(events)} events`)],
  rows: [...Map.groupBy(costs, ({ design, operation }) => `${operation}, ${design}`)].map(
    ([name, of]) => [
      name,
      ...HISTORIES.map((events) => {
        // A command without a history costs the same after any.
        const found = of.find(({ history }) => history === events || !history);
        return found ? unitsIn(found.usage) : '';
      }),
    ],
  ),
  note,
});

const unitsIn = ({ requests, readUnits, writeUnits }: Usage): string =>
  `${amount(requests)} · ${amount(readUnits)} + ${amount(writeUnits)}`;

const UNITS_NOTE =
  'Requests · read units + write units. Transactions are counted as AWS bills them, 2 write units per KB of each item, and ' +
  'writes whose condition fails as what they cost too.';

const CROWD_NOTE =
  'All requests of all callers, and of what takes their waiting commands, divided by the commands. Of those who open an ' +
  'account, one does, and the others hear that there is one. Each step of these transfers comes by itself: where they are ' +
  'carried out together, as in the blog and spread scenarios, they take fewer.';

const isAlone = ({ contention }: MeasuredCost): boolean => contention === 1;

const targetsOf = (costs: readonly MeasuredCost[]): Target[] => {
  const alone = costs.filter((of) => of.design === HOLDFAST && isAlone(of));
  const unitsOf = (operation: Operation) =>
    alone
      .filter((of) => of.operation === operation)
      .map(({ usage }) => `${amount(usage.readUnits)} + ${amount(usage.writeUnits)}`);
  const asPromised = (operation: Operation, units: string) =>
    unitsOf(operation).every((found) => found === units);
  const most = (way: Way, of: 'requests' | 'writeUnits') =>
    Math.max(...alone.filter(({ operation }) => operation === way).map(({ usage }) => usage[of]));
  const viewUnits = (way: Way) =>
    Math.max(
      ...costs
        .filter(({ operation }) => operation === `views of a ${way}`)
        .map(({ usage }) => usage.writeUnits),
    );
  const [short, long] = ['transfer, the short way', 'transfer, the long way'] as const;
  return [
    {
      promised:
        '5. withdrawal alone: 1 read + 1 write unit, with an id 1 + 4, the same from 10 to 100,000 events',
      measured: `${[...new Set(unitsOf('withdraw'))].join(' or ')}; with an id ${[...new Set(unitsOf('withdraw, with id'))].join(' or ')}`,
      reached: asPromised('withdraw', '1 + 1') && asPromised('withdraw, with id', '1 + 4'),
    },
    {
      promised:
        '12.1 a transfer alone, the short way: 3 requests, at most 6 write units and 5 for its views',
      measured: `${amount(most(short, 'requests'))} requests, ${amount(most(short, 'writeUnits'))} and ${amount(viewUnits(short))} write units`,
      reached:
        most(short, 'requests') <= 3 && most(short, 'writeUnits') <= 6 && viewUnits(short) <= 5,
    },
    {
      promised: '12.1 the long way: at most 11 write units and 8 for its views',
      measured: `${amount(most(long, 'writeUnits'))} and ${amount(viewUnits(long))} write units`,
      reached: most(long, 'writeUnits') <= 11 && viewUnits(long) <= 8,
    },
  ];
};
