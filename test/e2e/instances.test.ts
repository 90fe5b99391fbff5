import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { synthesize } from '../../infra/synth.ts';
import { startTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  const outdir = join(import.meta.dirname, '../../build/e2e-instances');
  const settings = { compute: 'instances' } as const;
  cloud = await startTestCloud(await synthesize({ stage: 'dev', outdir, settings }));
});

afterAll(() => cloud.stop());

const DEPOSITS = 50;

it('on managed instances a transfer is waited for, from one new account to another', async () => {
  await cloud.api.account('shared-a', 1_000);
  await cloud.api.account('shared-b');
  const transfer = { from: 'shared-a', to: 'shared-b', amount: 400 };
  expect(await cloud.api.post('/transfers', transfer, { Prefer: 'wait=10' })).toMatchObject({
    status: 202,
    body: { status: 'settled' },
  });
  expect((await cloud.api.get('/accounts/shared-a')).body).toMatchObject({ balance: 600 });
  expect((await cloud.api.get('/accounts/shared-b')).body).toMatchObject({ balance: 400 });
});

it(`on managed instances ${DEPOSITS} deposits to one account at once happen once each`, async () => {
  await cloud.api.account('crowded');
  const answers = await Promise.all(
    Array.from({ length: DEPOSITS }, (_, n) =>
      cloud.api.post(
        '/accounts/crowded/deposits',
        { amount: 1 + n },
        { 'Idempotency-Key': `${n}` },
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(DEPOSITS).fill(201));
  expect(new Set(answers.map(({ body }) => body['amount'])).size).toBe(DEPOSITS);
  expect((await cloud.api.get('/accounts/crowded')).body).toMatchObject({
    balance: (DEPOSITS * (DEPOSITS + 1)) / 2,
  });
  // Three environments took them all, many at once in each.
  expect(cloud.function('instances-deposit').workers()).toBe(3);
  expect(cloud.warnings).toEqual([]);
});
