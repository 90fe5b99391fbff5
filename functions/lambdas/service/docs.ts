import { readFileSync } from 'node:fs';
import { createHandler, DocsPage } from '../../queries/docs.ts';
import { httpTelemetryFromEnvironment } from '../../runtime/telemetry.ts';

// Made when the functions are bundled, and deployed beside this one's code.
const page = readFileSync(new URL('page.json', import.meta.url), 'utf8');

export const handler = createHandler({
  page: DocsPage.parse(JSON.parse(page)),
  telemetry: httpTelemetryFromEnvironment(),
});
