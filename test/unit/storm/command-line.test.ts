import { expect, it } from 'vitest';
import { parseCommandLine } from '../../../storm/command-line.ts';

const parse = (...argv: string[]) => parseCommandLine(argv, ['one', 'two']);

it('has an answer for everything that is not said', () => {
  expect(parse()).toMatchObject({
    seeds: undefined,
    seconds: 20,
    first: 1,
    parallel: 2,
    fault: undefined,
  });
});

it('reads what is said', () => {
  expect(
    parse(
      '--seeds',
      '200',
      '--seed',
      '7',
      '--seconds',
      '5',
      '--parallel',
      '4',
      '--with-fault',
      'two',
    ),
  ).toEqual({
    ...{ seeds: 200, first: 7, seconds: 5, parallel: 4, fault: 'two' },
    ...{ help: false, prove: false, stop: false },
  });
});

it.each([
  [['--seeds', '0'], '--seeds is "0"; it is a whole number, 1 to 100000.'],
  [['--seeds', '1.5'], '--seeds is "1.5"'],
  [['--seconds', 'ten'], '--seconds is "ten"'],
  [['--parallel', '17'], '--parallel is "17"; it is a whole number, 1 to 16.'],
  [['--with-fault', 'three'], 'There is no fault "three". The faults are: one, two.'],
  [['--prove', '--with-fault', 'one'], 'it takes no --with-fault'],
  [['--wind'], "Unknown option '--wind'"],
  [['wind'], 'wind'],
])('%j is refused', (argv, message) => {
  expect(() => parse(...argv)).toThrow(message);
});
