import { setTimeout } from 'node:timers/promises';
import { budgets } from '../runtime/budgets.ts';
import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { type Telemetry, telemetryFromEnvironment } from '../runtime/telemetry.ts';
import { passOverRows } from './pass-over-rows.ts';
import { createViews, type Views } from './views.ts';
import type { ViewsTable } from './views-table.ts';

/**
 * The views table of the stage this Lambda runs in: `VIEWS_TABLE`, the machine's clock. To be
 * called once per environment.
 * @throws {Error} where the variable is missing.
 */
export const viewsTableFromEnvironment = (): ViewsTable => ({
  client: createDocumentClient({ attempts: 1 }),
  table: environmentVariable('VIEWS_TABLE'),
  clock: Date.now,
  random: Math.random,
  sleep: (milliseconds) => setTimeout(milliseconds),
});

/**
 * The views of the stage this Lambda runs in. To be called once per environment.
 * @param options.budget how long a call tries to get an answer, in milliseconds.
 * @throws {Error} where a variable is missing.
 */
export const viewsFromEnvironment = ({
  budget = budgets.views,
  telemetry = telemetryFromEnvironment(),
}: {
  readonly budget?: number;
  readonly telemetry?: Telemetry;
} = {}): Views =>
  createViews({ ...viewsTableFromEnvironment(), budget, passOver: passOverRows(telemetry) });
