import { expect, it } from 'vitest';
import { learnWait } from '../../../functions/runtime/expected-wait.ts';

let now = 0;
const learn = () => learnWait(50, { shortest: 20, longest: 1_000 }, () => now);

it('is expected to take as long as it did on average, and as much longer as it deviates from that', () => {
  const wait = learn();
  expect(wait.expected()).toBe(50);
  wait.took(450);
  expect(wait.expected()).toBe(50 + 0.25 * 400 + 0.25 * 400);
  for (let n = 0; n < 100; n += 1) wait.took(450);
  expect(Math.round(wait.expected())).toBe(450);
});

it('is long enough for most, where some take longer than others', () => {
  const wait = learn();
  const took = [300, 400, 500, 600];
  for (let n = 0; n < 100; n += 1) wait.took(took[n % 4] ?? 0);
  expect(wait.expected()).toBeGreaterThan(500);
  expect(wait.expected()).toBeLessThan(600);
});

it('believes nothing beyond its bounds', () => {
  const wait = learn();
  for (let n = 0; n < 100; n += 1) wait.took(60_000);
  expect(Math.round(wait.expected())).toBe(1_000);
  for (let n = 0; n < 100; n += 1) wait.took(0);
  expect(Math.round(wait.expected())).toBe(20);
});

it('is forgotten where nothing was seen for three seconds: the rush may be over', () => {
  const wait = learn();
  for (let n = 0; n < 100; n += 1) wait.took(900);
  now += 3_000;
  expect(Math.round(wait.expected())).toBe(900);
  wait.took(900);
  now += 3_001;
  expect(wait.expected()).toBe(50);
});

it('is learned from waits that are longer than what was learned is believed', () => {
  now = 0;
  const wait = learnWait(50, { shortest: 20, longest: 10_000 }, () => now);
  for (let n = 0; n < 60; n += 1) {
    now += 5_000;
    wait.took(5_000);
  }
  expect(Math.round(wait.expected())).toBe(5_000);
});
