import { type Money, perMillion, prices } from '../prices.ts';
import { amount, dollars } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import type { Target } from '../scenario.ts';
import { HOLDFAST, RETRYING } from './holdfast-costs.ts';
import type { MeasuredCost, Operation, Way } from './measured-cost.ts';
import { FOLDING } from './naive-costs.ts';

/**
 * The cost of a million commands of each kind, way and design, alone and among others, service by
 * service, and what was promised of it.
 */
export const moneyOf = (
  costs: readonly MeasuredCost[],
): { readonly table: Table; readonly targets: readonly Target[] } => {
  const priced = costs.filter(isPriced).map((cost) => {
    const money = perMillion(workOf(cost));
    const views = viewsOf(costs, cost);
    return { cost, money, views, all: sumOf(money) + views };
  });
  const aloneAt = (way: Way) =>
    priced.find(({ cost }) => cost.operation === way && cost.contention === 1)?.all ?? Number.NaN;
  const [short, long] = [aloneAt('transfer, the short way'), aloneAt('transfer, the long way')];
  return {
    table: {
      title: `What a million cost (us-east-1, prices of ${prices.asOf})`,
      columns: [
        'command, design',
        'write units each',
        'DynamoDB',
        'its views',
        'Lambda',
        'HTTP API',
        'all',
        'left to Standard',
        'left to Express',
      ],
      rows: priced.map(({ cost, money, views, all }) => [
        nameOf(cost),
        amount(cost.usage.writeUnits),
        dollars(money.dynamodb),
        dollars(views),
        dollars(money.lambda),
        dollars(money.httpApi),
        dollars(all),
        dollars(money.standard),
        dollars(money.express),
      ]),
      note: NOTE,
    },
    targets: [
      {
        promised: '12.1 a transfer alone, the short way: at most $9.50 a million all in',
        measured: dollars(short),
        reached: short <= 9.5,
      },
      {
        promised: '12.1 the long way: at most $14.50 a million all in',
        measured: dollars(long),
        reached: long <= 14.5,
      },
    ],
  };
};

const NOTE =
  'With 100 callers: what one of their commands costs. The views of a withdrawal are priced as those of a deposit. ' +
  'Lambda: 1 GB for as long as the command took its caller here. Invocations, when nothing is taken together: a transfer the long ' +
  'way 5 (request, carry out, three times the views), the short way 3 (request, the views of both streams), a deposit 2; other ' +
  'designs need no views here, so that they are priced at their best. The last two columns are what a transfer costs more that does ' +
  'not go straight and is left to the workflow, of either type.';

/** One row per question: the length of the history only where it makes a difference. */
const isPriced = ({ design, operation, history }: MeasuredCost): boolean => {
  if (operation.startsWith('views of')) return false;
  // An account that is opened has none.
  return design === FOLDING || !history || history === 1_000;
};

const nameOf = ({ design, operation, history, contention }: MeasuredCost): string => {
  const events = design === FOLDING ? ` after ${amount(history ?? 0)} events` : '';
  return `${operation}, ${design}${events}${contention > 1 ? `, ${contention} callers` : ''}`;
};

const workOf = ({ design, operation, usage, milliseconds }: MeasuredCost) => ({
  usage,
  httpRequests: 1,
  invocations: INVOCATIONS.get(operation) ?? (WITH_VIEWS.has(design) ? 2 : 1),
  milliseconds,
  workflow: operation === 'transfer, the long way',
});

const INVOCATIONS = new Map<Operation, number>([
  ['transfer, the short way', 3],
  ['transfer, the long way', 5],
]);

/** The designs that have views. */
const WITH_VIEWS = new Set<string>([HOLDFAST, RETRYING]);

const viewsOf = (costs: readonly MeasuredCost[], { design, operation }: MeasuredCost): number => {
  if (!WITH_VIEWS.has(design)) return 0;
  const kind = operation.startsWith('transfer')
    ? `views of a ${operation}`
    : operation.startsWith('open')
      ? 'views of an opening'
      : 'views of a deposit';
  const views = costs.find((cost) => cost.operation === kind);
  if (!views) throw new Error(`the ${kind} were not measured`);
  return perMillion({
    usage: views.usage,
    httpRequests: 0,
    invocations: 0,
    milliseconds: 0,
    workflow: false,
  }).dynamodb;
};

const sumOf = ({ dynamodb, lambda, httpApi }: Money): number => dynamodb + lambda + httpApi;
