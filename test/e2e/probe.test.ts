import { afterAll, beforeAll, expect, it } from 'vitest';
import { probe } from '../../probe/run.ts';
import { startTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
});

afterAll(() => cloud.stop());

it('200 requests generated from the OpenAPI document are answered as it says, none of them by a 5xx', async () => {
  const { findings, statuses, seen } = await probe({
    url: cloud.url,
    token: cloud.operator,
    requests: 200,
    seed: 1,
  });
  expect(findings).toEqual([]);
  // They are no use if all of them are refused, or none is.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 202, 400, 404, 405, 422]));
  expect([...seen.values()].every((answered) => answered.size > 0)).toBe(true);
});
