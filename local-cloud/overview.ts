import type { LocalTemplate } from './template/template.ts';

/** What runs where. */
export interface Overview {
  readonly api: { readonly url: string; readonly routes: readonly string[] };
  readonly dynamodb: DynamoDbOverview & { readonly tables: readonly string[] };
  readonly functions: readonly { readonly name: string; readonly workers: number }[];
  readonly streams: readonly { readonly table: string; readonly function: string }[];
  readonly workflows: readonly { readonly name: string; readonly type: string }[];
  readonly schedules: readonly { readonly expression: string; readonly function: string }[];
  /** How many messages each dead letter queue holds. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** How to reach the tables past the endpoint, e.g. with the AWS CLI. */
interface DynamoDbOverview {
  readonly engine: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
}

/** The parts that change, or are known only once everything runs. */
export interface OverviewSources {
  readonly url: string;
  readonly dynamodb: DynamoDbOverview;
  readonly functions: Iterable<{ readonly name: string; workers(): number }>;
  readonly queues: ReadonlyMap<string, readonly unknown[]>;
}

/** Says what runs where, as of now. */
export const toOverview = (template: LocalTemplate, sources: OverviewSources): Overview => ({
  api: { url: sources.url, routes: template.api.routes.map(({ routeKey }) => routeKey) },
  dynamodb: { ...sources.dynamodb, tables: template.tables.map(({ name }) => name) },
  functions: Array.from(sources.functions, ({ name, workers }) => ({ name, workers: workers() })),
  streams: template.eventSourceMappings.map((mapping) => ({
    table:
      template.tables.find(({ logicalId }) => logicalId === mapping.table)?.name ?? mapping.table,
    function: mapping.functionName,
  })),
  workflows: template.stateMachines.map(({ name, type }) => ({ name, type })),
  schedules: template.schedules.map(({ expression, functionName }) => ({
    expression,
    function: functionName,
  })),
  deadLetters: Object.fromEntries(
    Array.from(sources.queues, ([name, messages]) => [name, messages.length]),
  ),
});
