import { describe, expect, it } from 'vitest';
import { Timestamp } from '../../../events/values.ts';
import { attemptFor, isLate } from '../../../functions/transfers/attempts.ts';
import { TransferInput } from '../../../functions/transfers/workflow.ts';
import { checkExecutionName } from '../../../local-cloud/step-functions/execution-name.ts';
import { transfer } from './transfer.ts';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const MINUTE = 60_000;

/** The attempt that a transfer is in that was reserved so many milliseconds before now. */
const attemptAt = (age: number, input = transfer, now = NOW) =>
  attemptFor(input, Timestamp.parse(new Date(now - age).toISOString()), now);

const number = (age: number) => Number(/\.r(\d+)\./.exec(attemptAt(age)?.name ?? '')?.[1]);

describe('attempts follow from the age alone', () => {
  it.each([
    [1, 0],
    [1.99, 0],
    [2, 1],
    [3.99, 1],
    [4, 2],
    [7.99, 2],
    [8, 3],
    [16, 4],
    [32, 5],
    [63.99, 5],
    [64, 6],
    [127.99, 6],
    [128, 7],
    [192, 8],
    [64 * 100, 105],
  ])('at %f minutes it is attempt %i', (minutes, attempt) => {
    expect(number(minutes * MINUTE)).toBe(attempt);
  });

  it('in the first hour there are 6, and in a day 28', () => {
    const names = (minutes: number) =>
      new Set(Array.from({ length: minutes }, (_, age) => attemptAt((age + 1) * MINUTE)?.name))
        .size;
    expect(names(60)).toBe(6);
    expect(names(24 * 60)).toBe(28);
  });

  it('each looks for the execution that carry-out-transfers started, and for all that may be under way still', () => {
    const names = (...minutes: number[]) => minutes.map((age) => attemptAt(age * MINUTE)?.name);
    expect(attemptAt(MINUTE)?.earlier).toEqual(['t1']);
    expect(attemptAt(2 * MINUTE)?.earlier).toEqual(['t1', ...names(1)]);
    expect(attemptAt(8 * MINUTE)?.earlier).toEqual(['t1', ...names(4, 2, 1)]);
    expect(attemptAt(20 * MINUTE)?.earlier).toEqual(['t1', ...names(8, 4)]);
    expect(attemptAt(64 * MINUTE)?.earlier).toEqual(['t1', ...names(32)]);
    expect(attemptAt(80 * MINUTE)?.earlier).toEqual(['t1']);
    expect(attemptAt(130 * MINUTE)?.earlier).toEqual(['t1', ...names(64)]);
  });
});

it.each([
  [0, false],
  [MINUTE - 1, false],
  [MINUTE, true],
  [-MINUTE, false],
  [-MINUTE - 1, true],
])('what was reserved %i ms ago is late: %s', (age, late) => {
  expect(isLate(Timestamp.parse(new Date(NOW - age).toISOString()), NOW)).toBe(late);
  expect(attemptAt(age) !== undefined).toBe(late);
});

describe('of a reservation whose time is ahead', () => {
  const HOUR = 60 * MINUTE;

  it('an attempt is made at once, and every 16 minutes', () => {
    const names = Array.from({ length: 60 }, (_, minute) => {
      const now = NOW + minute * MINUTE;
      const attempt = attemptAt(-3 * HOUR + minute * MINUTE, transfer, now);
      expect(attempt?.isAhead).toBe(true);
      return attempt?.name;
    });
    expect(new Set(names).size).toBe(4);
    expect(attemptAt(MINUTE)?.isAhead).toBe(false);
  });

  it('the first execution is looked for, and that of the attempt before', () => {
    const before = attemptAt(-3 * HOUR, transfer, NOW - 16 * MINUTE);
    expect(attemptAt(-3 * HOUR)?.earlier).toEqual(['t1', before?.name]);
  });
});

describe('the name of an attempt', () => {
  const from = (source: string) => TransferInput.parse({ ...transfer, from: source });
  const AGES = [MINUTE, 90 * MINUTE, -90 * MINUTE];

  it('is no other source’s', () => {
    for (const age of AGES) {
      const names = ['a', 'b', 'A', 'a-', 'a_'].map((source) => attemptAt(age, from(source))?.name);
      expect(new Set(names).size).toBe(5);
    }
  });

  it('is one that Step Functions takes, however long the ids are', () => {
    const longest = TransferInput.parse({
      ...transfer,
      transferId: 't'.repeat(64),
      from: 'a'.repeat(64),
    });
    const TWENTY_YEARS = 20 * 365 * 24 * 60 * MINUTE;
    for (const age of [...AGES, TWENTY_YEARS, -TWENTY_YEARS]) {
      const name = attemptAt(age, longest)?.name ?? '';
      expect(name).toMatch(/^[A-Za-z0-9_.-]{70,80}$/);
      expect(() => checkExecutionName(name)).not.toThrow();
    }
  });
});
