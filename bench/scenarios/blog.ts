import { setTimeout } from 'node:timers/promises';
import type { Audited } from '../audit/ledger.ts';
import { type Measured, measure } from '../contestants/compare.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { holdfastStore, oneEnvironment, retryingStore } from '../contestants/holdfast-store.ts';
import { cloudOverHttp } from '../contestants/local-cloud.ts';
import { balancesInPlace } from '../contestants/others/balances-in-place.ts';
import { nestedLocks } from '../contestants/others/nested-locks.ts';
import { oneAggregate } from '../contestants/others/one-aggregate.ts';
import { HOW_TO_INSTALL_PEERS, peersWhereInstalled } from '../contestants/others/peers.ts';
import { twoStreams } from '../contestants/others/two-streams.ts';
import {
  auditLine,
  type Summary,
  summarize,
  summaryColumns,
  summaryRow,
  workflowNote,
} from '../contestants/summary.ts';
import type { Engine } from '../engine.ts';
import { inTurns, stepsInTurns } from '../in-turns.ts';
import { bothWays, type Workload } from '../load/workload.ts';
import { machineTable, processorMilliseconds } from '../report/machine-table.ts';
import { amount, time } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Findings, Scenario, ScenarioContext, Target } from '../scenario.ts';
import { seededRandom } from '../statistics.ts';
import { withEngine } from '../warm-engine.ts';

/**
 * Two accounts, transfers both ways: the table of the blog this design starts from, for every
 * design on the same engine.
 */
export const blog: Scenario = {
  name: 'blog',
  summary: 'two accounts, both directions, 50 at 4 and 800 at 100: designs side by side',
  run: async (context): Promise<Findings> => {
    const peers = await peersWhereInstalled();
    if (peers.length === 0) console.error(HOW_TO_INSTALL_PEERS);
    const contestants = [...OTHERS, ...peers, ...HOLDFAST];
    context.progress.start('blog', stepsInTurns(context.runs, contestants) + 1);
    const turns = contestants.map((contestant) => ({
      name: contestant.name,
      measure: (engine: Engine, run: number) =>
        measure(contestant, engine, workloadsOf(contestant, run), { limit: LIMIT_MS }),
    }));
    const inTurn = await inTurns(context, turns);
    const locked = await measureLocks(context);
    const all = [
      ...locked,
      ...inTurn.map((results, n) => ({ name: contestants[n]?.name ?? '', results })),
    ];
    const summaries = all.flatMap(({ name, results }) => {
      const measured = results.flatMap((result) => result.measured);
      return [...WORKLOADS, ...KEYED].flatMap((workload) => {
        const of = measured.filter((each) => each.workload === workload.name);
        return of.length === 0 ? [] : [summarize(name, workload, of, context.ceiling)];
      });
    });
    const leftOut = peers.length === 0 ? ` ${HOW_TO_INSTALL_PEERS}` : '';
    const more = leftOut + workflowNote(summaries);
    return {
      tables: [
        ...WORKLOADS.map((workload) => tableOf(workload.name, summaries, more)),
        keysTable(summaries),
        machineTable(
          `two accounts, ${MOST.name}`,
          summaries.filter(
            ({ contestant, workload }) =>
              workload === MOST.name && contestants.some(({ name }) => name === contestant),
          ),
        ),
      ],
      targets: targetsOf(summaries),
      figures: summaries,
      audit: auditLine(all.flatMap(({ results }) => results.map(({ audited }) => audited))),
    };
  },
};

const FEW = bothWays(50, 4);
const MOST = bothWays(800, 100);
const WORKLOADS = [FEW, MOST];

/** What only a client over HTTP can vary: see {@link Transfer}. */
const KEYED = [
  bothWays(800, 100, 'key'),
  bothWays(800, 100, 'transferId'),
  bothWays(800, 100, 'both'),
] as const;

const onDemand = cloudOverHttp('on-demand');
const instances = cloudOverHttp('instances');

const OTHERS: readonly Contestant[] = [oneAggregate(), balancesInPlace(), twoStreams()];

const HOLDFAST: readonly Contestant[] = [
  retryingStore(),
  holdfastStore(),
  holdfastStore({ name: "Holdfast's store, the long way", atOnce: false }),
  oneEnvironment(),
  oneEnvironment(false),
  onDemand,
  instances,
];

/** Each run begins with other keys: what comes later finds the cloud a little warmer. */
const workloadsOf = (contestant: Contestant, run: number): readonly Workload[] => {
  if (contestant !== onDemand && contestant !== instances) return WORKLOADS;
  const first = run % KEYED.length;
  return [...WORKLOADS, ...KEYED.slice(first), ...KEYED.slice(0, first)];
};

/**
 * A transfer that has not settled by then does not count, in milliseconds: long enough for 800,
 * except where nothing gets done.
 */
const LIMIT_MS = 40_000;

/**
 * The longest random pause of a caller before each of its transfers, in milliseconds; 0: the
 * callers go in lockstep.
 */
const LONGEST_PAUSES_MS = [0, 50, 200];

/**
 * In milliseconds: each of these callers does nothing but wait for a lock for 5 s, again and again.
 */
const LOCKS_LIMIT_MS = 60_000;

/** The runs with locks go side by side: they only wait for their time to be up. */
const measureLocks = async ({
  runs,
  progress,
}: ScenarioContext): Promise<
  { name: string; results: { measured: readonly Measured[]; audited: Audited }[] }[]
> => {
  progress.step('nested locks, all runs side by side');
  return withEngine((engine) =>
    Promise.all(
      LONGEST_PAUSES_MS.map(async (longest) => {
        const name = `nested locks, ${longest === 0 ? 'lockstep' : `pauses up to ${longest} ms`}`;
        const one = async (_: unknown, run: number) => {
          const random = seededRandom(run);
          const pause = longest === 0 ? undefined : () => setTimeout(random() * longest);
          const parts = await Promise.all(
            WORKLOADS.map((workload) =>
              measure(nestedLocks(name), engine, [workload], { limit: LOCKS_LIMIT_MS, pause }),
            ),
          );
          return { measured: parts.flatMap(({ measured }) => measured), audited: together(parts) };
        };
        return { name, results: await Promise.all(Array.from({ length: runs }, one)) };
      }),
    ),
  );
};

const together = (parts: readonly { readonly audited: Audited }[]): Audited => {
  const sum = (of: keyof Audited) => parts.reduce((total, { audited }) => total + audited[of], 0);
  return { streams: sum('streams'), events: sum('events'), commands: sum('commands') };
};

const tableOf = (workload: string, summaries: readonly Summary[], more: string): Table => ({
  title: `Two accounts, both directions: ${workload} concurrent`,
  columns: ['design', ...summaryColumns],
  rows: summaries
    .filter((summary) => summary.workload === workload)
    .map((summary) => [summary.contestant, ...summaryRow(summary)]),
  note:
    'Requests and units are those of DynamoDB per settled transfer. What had not settled after 40 s (locks: 60 s) does not ' +
    `count. p50 and p99 are of the transfers that settled, from the first request until the caller knew.${more}`,
});

const keysTable = (summaries: readonly Summary[]): Table => ({
  title: 'One key and two: the same over HTTP, in the same clouds',
  columns: ['load, design', ...summaryColumns],
  rows: KEYED.flatMap(({ name }) =>
    summaries
      .filter(({ workload }) => workload === name)
      .map((summary) => [`${name}, ${summary.contestant}`, ...summaryRow(summary)]),
  ),
});

const targetsOf = (summaries: readonly Summary[]): Target[] => {
  const of = (contestant: Contestant, { name }: Workload): Summary => {
    const found = summaries.find(
      (summary) => summary.contestant === contestant.name && summary.workload === name,
    );
    if (!found) throw new Error(`${contestant.name} was not measured`);
    return found;
  };
  const [store, retrying] = [of(holdfastStore(), MOST), of(retryingStore(), MOST)];
  const settled = (summary: Summary) =>
    `${amount(summary.settled)} settled, ${amount(summary.perSecond)} a second`;
  const isWhole = ({ runs, total }: Summary) => runs.every((run) => run.settled === total);
  const times = (one: Summary, other: Summary) => one.perSecond / other.perSecond;
  const [lanes, inPlace] = [of(oneEnvironment(), MOST), of(balancesInPlace(), MOST)];
  const [shared, alone] = [of(instances, MOST), of(onDemand, MOST)];
  return [
    {
      promised: '1. 800 at 100 over HTTP, instances: 800 settled, at least 250 a second',
      measured: settled(shared),
      reached: isWhole(shared) && shared.perSecond >= 250,
    },
    {
      promised: '1. at least 3 times the same cloud on demand, where all settle too',
      measured: `${amount(times(shared, alone))} times; ${settled(alone)}`,
      reached: isWhole(alone) && times(shared, alone) >= 3,
    },
    {
      promised: '1. at most 2 requests and 7 ms of processor time a transfer',
      measured: `${amount(shared.requests)} requests, ${amount(processorMilliseconds(shared))} ms`,
      reached: shared.requests <= 2 && processorMilliseconds(shared) <= 7,
    },
    ...[of(instances, FEW), of(onDemand, FEW)].map((few) => ({
      promised: `2. 50 at 4 over HTTP, ${few.contestant}: 50 settled, at least 48 a second, at most 9 requests a transfer`,
      measured: `${settled(few)}, p50 ${time(few.p50)}, ${amount(few.requests)} requests`,
      reached: isWhole(few) && few.perSecond >= 48 && few.requests <= 9,
    })),
    ...[instances, onDemand].map((cloud) => {
      const [key, transferId, both] = KEYED.map((workload) => of(cloud, workload).perSecond);
      const [one = Number.NaN, two = Number.NaN] = [Math.max(key ?? 0, transferId ?? 0), both];
      return {
        promised: `1. ${cloud.name}: transferId and Idempotency-Key both no slower than one of them (within 5 %)`,
        measured: `${amount(two)} a second, beside ${amount(key ?? 0)} and ${amount(transferId ?? 0)}`,
        reached: two >= 0.95 * one,
      };
    }),
    {
      promised: '3. store level, 800 at 100: all settled, at least 10 times plain retrying',
      measured: `${settled(store)}: ${amount(times(store, retrying))} times ${amount(retrying.perSecond)}`,
      reached: isWhole(store) && times(store, retrying) >= 10,
    },
    {
      promised: '3. at most 3 requests per transfer all told',
      measured: `${amount(store.requests)} requests`,
      reached: store.requests <= 3,
    },
    {
      promised: 'One environment with lanes ahead of balances in place, 800 at 100',
      measured: `${settled(lanes)}, beside ${amount(inPlace.perSecond)}`,
      reached: isWhole(lanes) && lanes.perSecond > inPlace.perSecond,
    },
  ];
};
