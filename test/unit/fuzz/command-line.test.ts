import { expect, it } from 'vitest';
import { parseCommandLine } from '../../../fuzz/command-line.ts';

it('has an answer for everything that is not said', () => {
  expect(parseCommandLine([])).toEqual({
    ...{ help: false, requests: 1_000, seed: 1, url: undefined },
    ...{ connections: 10_000, token: undefined },
  });
});

it('reads what is said', () => {
  const argv = ['--requests', '10000', '--seed', '7', '--url', 'https://example.com/'];
  expect(parseCommandLine(argv)).toEqual({
    help: false,
    requests: 10_000,
    seed: 7,
    url: 'https://example.com',
    connections: 0,
    token: undefined,
  });
  expect(parseCommandLine(['--connections', '50', '--token', 't'])).toMatchObject({
    connections: 50,
    token: 't',
  });
  expect(parseCommandLine(['--connections', '0'])).toMatchObject({ connections: 0 });
});

it.each([
  [['--requests', '0'], '--requests is "0"; it is a whole number, 1 to 1000000.'],
  [['--seed', 'x'], '--seed is "x"'],
  [['--url', 'example.com'], '--url is "example.com"; it is one of http or https.'],
  [['--connections', '1.5'], '--connections is "1.5"'],
  [['--seeds'], "Unknown option '--seeds'"],
])('%j is refused', (argv, message) => {
  expect(() => parseCommandLine(argv)).toThrow(message);
});
