import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../infra/bundle.ts';
import { entryOf, functionNames } from '../../../infra/constructs/catalogue.ts';
import { functionsOf } from '../../../infra/constructs/transfer-ways.ts';
import { type Transfers, transfersSettings } from '../../../infra/stages.ts';
import { metricsOfAlarm, metricsOfDashboard } from './metrics.ts';
import { synthesized } from './synthesized.ts';

/** What the alarms watch and the dashboard shows, where transfers are carried out in this way. */
const shownWith = (transfers: Transfers) => {
  const resources = synthesized('dev', { transfers });
  const watched = resources
    .filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
    .flatMap(({ properties }) => metricsOfAlarm(properties));
  const widgets = metricsOfDashboard(
    String(
      resources.find(({ type }) => type === 'AWS::CloudWatch::Dashboard')?.properties[
        'DashboardBody'
      ],
    ),
  );
  const all = [...watched, ...[...widgets.values()].flat()];
  return {
    resources,
    widgets,
    all,
    own: all.filter(({ namespace }) => namespace.startsWith('Holdfast/')),
  };
};

const settings = transfersSettings.map((transfers) => ({ transfers, ...shownWith(transfers) }));

/** Every name that the code can emit: the type of what `count` and `measure` take. */
const known = [
  ...(/export type MetricName =([^;]*);/
    .exec(readFileSync('functions/runtime/telemetry.ts', 'utf8'))?.[1]
    ?.matchAll(/'(\w+)'/g) ?? []),
].map(([, name]) => name ?? '');

/** Names by function, as they stand in the bundles: in the code that is deployed. */
const emitted = new Map<string, readonly string[]>();
const directory = mkdtempSync(join(tmpdir(), 'holdfast-metrics-'));

beforeAll(async () => {
  await bundle(Object.fromEntries(functionNames.map((name) => [name, entryOf(name)])), directory);
  for (const name of functionNames) {
    const code = readFileSync(join(directory, name, 'index.mjs'), 'utf8');
    emitted.set(
      name,
      known.filter((metric) => new RegExp(`["'\`]${metric}["'\`]`).test(code)),
    );
  }
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true }));

describe('the metrics of the ledger', () => {
  it('are emitted, every one of them', () => {
    const names = new Set([...emitted.values()].flat());

    expect(known.length).toBeGreaterThan(20);
    expect(known.filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(
    settings.flatMap(({ transfers, own }) =>
      functionsOf({ transfers }).map((name) => ({ name, transfers, own })),
    ),
  )(
    'that $name emits are each watched by an alarm or shown on the dashboard, as its own: $transfers',
    ({ name, own }) => {
      const ofIt = own
        .filter(({ dimensions }) => dimensions['service'] === name)
        .map((metric) => metric.name);

      expect(emitted.get(name)?.filter((metric) => !ofIt.includes(metric))).toEqual([]);
    },
  );

  it.each(settings)(
    'that are watched or shown are all emitted, by the very function: no alarm is deaf, no graph is empty: $transfers',
    ({ transfers, own }) => {
      const there: readonly string[] = functionsOf({ transfers });
      const deaf = own.filter(
        ({ namespace, name, dimensions: { service = '', ...others } }) =>
          namespace !== 'Holdfast/dev' ||
          Object.keys(others).length > 0 ||
          !there.includes(service) ||
          !emitted.get(service)?.includes(name),
      );

      expect(deaf).toEqual([]);
    },
  );
});

describe('the metrics of AWS', () => {
  it.each(settings)('are of what is in the template: $transfers', ({ resources, all }) => {
    const names = new Set(
      resources.flatMap(({ name }) => [name, `${name}.Arn`, `${name}.Name`, `${name}.QueueName`]),
    );
    const indexes = new Set(['accountsByOwner', 'openTransfers']);
    const operations = new Set(['PutItem', 'TransactWriteItems']);
    const elsewhere = all
      .filter(({ namespace }) => !namespace.startsWith('Holdfast/'))
      .flatMap(({ dimensions }) => Object.values(dimensions))
      .filter((value) => !names.has(value) && !indexes.has(value) && !operations.has(value));

    expect(elsewhere).toEqual([]);
  });

  it.each(settings)(
    'show times of the workflow as those of transfers where every transfer has an execution, and nowhere else: $transfers',
    ({ transfers, widgets }) => {
      const times = [...widgets.values()].flat().filter(({ name }) => name === 'ExecutionTime');

      expect(times).toHaveLength(transfers === 'workflow' ? 2 : 0);
    },
  );
});
