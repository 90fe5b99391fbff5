import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workersFor } from '../../../local-cloud/cloud.ts';
import { parseCommandLine } from '../../../local-cloud/command-line.ts';

describe('parseCommandLine', () => {
  it('has a default for everything', () => {
    expect(parseCommandLine([])).toEqual({
      port: 3000,
      dataDirectory: undefined,
      stage: 'dev',
      compute: undefined,
      transfers: undefined,
      workers: undefined,
      open: false,
      verbose: false,
      help: false,
    });
  });

  it('takes every option', () => {
    const args = [
      '--port',
      '0',
      '--data',
      'x',
      '--stage',
      'prod',
      '--compute',
      'instances',
      '--transfers',
      'workflow',
      '--workers=3',
      '--open',
      '--verbose',
      '--help',
    ];
    expect(parseCommandLine(args)).toEqual({
      port: 0,
      dataDirectory: resolve('x'),
      stage: 'prod',
      compute: 'instances',
      transfers: 'workflow',
      workers: 3,
      open: true,
      verbose: true,
      help: true,
    });
  });

  it.each([
    { args: ['--prot', '1'], message: '--prot' },
    { args: ['--port', 'abc'], message: '--port needs a whole number from 0 to 65535, not "abc"' },
    {
      args: ['--port', '70000'],
      message: '--port needs a whole number from 0 to 65535, not "70000"',
    },
    { args: ['--port', ''], message: '--port needs a whole number' },
    { args: ['--workers', '0'], message: '--workers needs a whole number from 1 to 1000, not "0"' },
    { args: ['--data', ''], message: '--data needs a value' },
    { args: ['--data'], message: '--data' },
    { args: ['--stage', 'moon'], message: 'moon' },
    {
      args: ['--compute', 'fargate'],
      message: 'There is no compute "fargate". There is: on-demand, instances.',
    },
    {
      args: ['--transfers', 'express'],
      message: 'There is no setting "express" of transfers. There is: adaptive, stream, workflow.',
    },
    { args: ['--transfers', ''], message: 'There is no setting "" of transfers' },
    { args: ['--compute', ''], message: 'There is no compute ""' },
    { args: ['serve'], message: 'serve' },
  ])('refuses $args', ({ args, message }) => {
    expect(() => parseCommandLine(args)).toThrow(message);
  });
});

it.each([
  [1, 8],
  [0.25, 4],
  [2, 16],
  [4, 32],
  [8, 64],
  [512, 64],
])('%s GiB of memory bear %i environments of a function', (gibibytes, workers) => {
  expect(workersFor(gibibytes * 1024 ** 3)).toBe(workers);
});
