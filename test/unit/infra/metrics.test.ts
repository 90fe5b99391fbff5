import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../infra/bundle.ts';
import { entryOf, functionNames } from '../../../infra/constructs/catalogue.ts';
import { metricsOfAlarm, metricsOfDashboard } from './metrics.ts';
import { synthesized } from './synthesized.ts';

const dev = synthesized('dev');
const watched = dev
  .filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
  .flatMap(({ properties }) => metricsOfAlarm(properties));
const widgets = metricsOfDashboard(
  String(
    dev.find(({ type }) => type === 'AWS::CloudWatch::Dashboard')?.properties['DashboardBody'],
  ),
);
const used = [...watched, ...[...widgets.values()].flat()].filter(({ namespace }) =>
  namespace.startsWith('Holdfast/'),
);

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

  it.each(functionNames)(
    'that %s emits are each watched by an alarm or shown on the dashboard, as its own',
    (name) => {
      const ofIt = used
        .filter(({ dimensions }) => dimensions['service'] === name)
        .map((metric) => metric.name);

      expect(emitted.get(name)?.filter((metric) => !ofIt.includes(metric))).toEqual([]);
    },
  );

  it('that are watched or shown are all emitted, by the very function: no alarm is deaf, no graph is empty', () => {
    const deaf = used.filter(
      ({ namespace, name, dimensions: { service = '', ...others } }) =>
        namespace !== 'Holdfast/dev' ||
        Object.keys(others).length > 0 ||
        !emitted.get(service)?.includes(name),
    );

    expect(deaf).toEqual([]);
  });
});

describe('the metrics of AWS', () => {
  it('are of what is in the template', () => {
    const names = new Set(
      dev.flatMap(({ name }) => [name, `${name}.Arn`, `${name}.Name`, `${name}.QueueName`]),
    );
    const indexes = new Set([
      'accountsByOwner',
      'transfersBySource',
      'transfersByDestination',
      'openTransfers',
    ]);
    const operations = new Set(['PutItem', 'TransactWriteItems']);
    const elsewhere = [...watched, ...[...widgets.values()].flat()]
      .filter(({ namespace }) => !namespace.startsWith('Holdfast/'))
      .flatMap(({ dimensions }) => Object.values(dimensions))
      .filter((value) => !names.has(value) && !indexes.has(value) && !operations.has(value));

    expect(elsewhere).toEqual([]);
  });

  it('show no times of the workflow as those of transfers: most never see it', () => {
    const times = [...widgets.values()].flat().filter(({ name }) => name === 'ExecutionTime');

    expect(times).toEqual([]);
  });
});
