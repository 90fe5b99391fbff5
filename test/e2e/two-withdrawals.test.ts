import { afterAll, beforeAll, expect, it } from 'vitest';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
});

afterAll(() => cloud.stop());

/** 1,000 in `npm run test:all`. */
const ROUNDS = Number(process.env['HOLDFAST_ROUNDS'] ?? 320);
const ACCOUNTS = 8;

it(`of two withdrawals of 100 that race on a balance of 100 exactly one wins, ${ROUNDS} times`, {
  timeout: 180_000,
}, async () => {
  const outcomes: string[] = [];
  const rounds = async (accountId: string, count: number) => {
    await cloud.api.account(accountId);
    for (let round = 0; round < count; round += 1) {
      await cloud.api.post(`/accounts/${accountId}/deposits`, { amount: 100 });
      const withdraw = (n: number) =>
        cloud.api.post(
          `/accounts/${accountId}/withdrawals`,
          { amount: 100 },
          // With and without a key: both ways must hold.
          round % 2 === 0 ? {} : { 'Idempotency-Key': `${round}-${n}` },
        );
      const answers = await Promise.all([withdraw(1), withdraw(2)]);
      outcomes.push(
        answers
          .map(({ status, body }) => `${status} ${body['code'] ?? body['kind']}`)
          .sort()
          .join(', '),
      );
    }
  };
  await Promise.all(
    Array.from({ length: ACCOUNTS }, (_, n) => rounds(`race-${n}`, Math.ceil(ROUNDS / ACCOUNTS))),
  );
  const counted: Record<string, number> = {};
  for (const outcome of outcomes) counted[outcome] = (counted[outcome] ?? 0) + 1;
  expect(counted).toEqual({
    '201 withdrawal, 422 insufficient_funds': ACCOUNTS * Math.ceil(ROUNDS / ACCOUNTS),
  });
});
