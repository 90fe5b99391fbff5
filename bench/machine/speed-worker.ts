import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod/mini';

/** One thread of the fixed work: counts its rounds for a while and says how many they were. */
const Times = z.object({ warmUpMs: z.number(), countedMs: z.number() });

/** What a ledger's code does most: makes an object, writes and reads it as JSON, hashes it. */
const round = (n: number): string => {
  const text = JSON.stringify({ account: `account-${n % 100}`, version: n, amount: n * 7, at });
  const { account, amount } = JSON.parse(text);
  return hash('sha256', `${account}/${amount}`, 'base64url');
};

const at = '2026-01-01T00:00:00.000Z';

/** Between two looks at the clock, which cost something too. */
const ROUNDS_AT_A_TIME = 100;

const roundsIn = (milliseconds: number): number => {
  const startedAt = performance.now();
  let rounds = 0;
  while (performance.now() - startedAt < milliseconds) {
    for (let n = 0; n < ROUNDS_AT_A_TIME; n += 1) round(rounds + n);
    rounds += ROUNDS_AT_A_TIME;
  }
  return (rounds * 1_000) / (performance.now() - startedAt);
};

const { warmUpMs, countedMs } = Times.parse(workerData);
roundsIn(warmUpMs);
parentPort?.postMessage(roundsIn(countedMs));
