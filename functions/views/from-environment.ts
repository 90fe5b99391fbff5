import { createDocumentClient } from '../runtime/dynamodb.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { createViews, type Views } from './views.ts';

/**
 * The views of the stage this Lambda runs in: the table from `VIEWS_TABLE`. To be called once per environment.
 * @throws {Error} where the variable is missing.
 */
export const viewsFromEnvironment = (): Views =>
  createViews({ client: createDocumentClient({ attempts: 4 }), table: environmentVariable('VIEWS_TABLE') });
