import { afterAll, beforeAll, expect, it } from 'vitest';
import { findingsOf } from '../../fuzz/report.ts';
import { fuzz } from '../../fuzz/run.ts';
import { auditTables } from '../../fuzz/watch/audit.ts';
import { heapsOf } from '../../fuzz/watch/memory.ts';
import { startTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
});

afterAll(() => cloud.stop());

const REQUESTS = 1_000;
/** More need a higher limit of open files than some machines have: `npm run fuzz` holds 10,000. */
const CONNECTIONS = 500;

it(`${REQUESTS} requests made from the OpenAPI document and bytes that are hardly HTTP are answered as it says, none by a 5xx, and the tables are sound`, {
  timeout: 180_000,
}, async () => {
  const environments = () => heapsOf(cloud);
  const options = {
    requests: REQUESTS,
    seed: 1,
    connections: CONNECTIONS,
    environments,
    token: cloud.operator,
  };
  const result = await fuzz({ url: cloud.url, ...options });
  const { findings, troubles, statuses, seen, held } = result;
  // As `npm run fuzz` shows them: a body may have megabytes.
  expect(findingsOf(findings, { url: cloud.url, seed: options.seed })).toBe('');
  expect(troubles).toEqual([]);
  expect(held).toBe(CONNECTIONS);
  // They are no use if all of them are refused, or none is.
  const wanted = [200, 201, 202, 400, 404, 405, 413, 415, 422, 431];
  expect([...statuses.keys()]).toEqual(expect.arrayContaining(wanted));
  expect([...seen.values()].every((answered) => answered.size > 0)).toBe(true);
  expect((await auditTables(cloud, result.heard)).streams).toBeGreaterThan(10);
});
