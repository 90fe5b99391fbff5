import { type Money, perMillion, prices } from '../prices.ts';
import { amount, dollars } from '../report/numbers.ts';
import type { Table } from '../report/table.ts';
import { HOLDFAST, RETRYING } from './holdfast-costs.ts';
import type { MeasuredCost } from './measured-cost.ts';
import { FOLDING } from './naive-costs.ts';

/** The cost of a million commands of each kind and design, service by service. */
export const moneyTable = (costs: readonly MeasuredCost[]): Table => ({
  title: `What a million cost (us-east-1, prices of ${prices.asOf})`,
  columns: [
    'command, design',
    'DynamoDB',
    'its views',
    'Lambda',
    'HTTP API',
    'all',
    'left to Standard',
    'left to Express',
  ],
  rows: costs.filter(isPriced).map((cost) => {
    const money = perMillion(workOf(cost));
    const views = viewsOf(costs, cost);
    return [
      nameOf(cost),
      dollars(money.dynamodb),
      dollars(views),
      dollars(money.lambda),
      dollars(money.httpApi),
      dollars(sumOf(money) + views),
      dollars(money.standard),
      dollars(money.express),
    ];
  }),
  note:
    'Lambda: 1 GB for as long as the command took its caller here. A transfer of Holdfast is 5 invocations (request, carry out, ' +
    'three times the views, when nothing is taken together); other designs need no views here, so that they are priced at their ' +
    'best. The last two columns are what a transfer costs more that does not go straight and is left to the workflow, of either type.',
});

/** One row per question: the length of the history only where it makes a difference. */
const isPriced = ({ design, operation, history }: MeasuredCost): boolean => {
  if (operation !== 'transfer' && operation !== 'deposit' && operation !== 'deposit, with id')
    return false;
  return design === FOLDING || history === undefined || history === 1_000;
};

const nameOf = ({ design, operation, history, contention }: MeasuredCost): string => {
  const events = design === FOLDING ? ` after ${amount(history ?? 0)} events` : '';
  return `${operation}, ${design}${events}${contention > 1 ? `, ${contention} callers` : ''}`;
};

const workOf = ({ design, operation, usage, milliseconds }: MeasuredCost) => {
  const saga = operation === 'transfer' && SAGAS.has(design);
  return {
    usage,
    httpRequests: 1,
    invocations: saga ? 5 : SAGAS.has(design) ? 2 : 1,
    milliseconds,
    workflow: saga,
  };
};

/** The designs that have views, and whose transfers take steps. */
const SAGAS = new Set<string>([HOLDFAST, RETRYING]);

const viewsOf = (costs: readonly MeasuredCost[], { design, operation }: MeasuredCost): number => {
  if (!SAGAS.has(design)) return 0;
  const kind = operation === 'transfer' ? 'views of a transfer' : 'views of a deposit';
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
