import { expect, it } from 'vitest';
import { readSettings } from '../../../../local-cloud/streams/settings.ts';

const required = {
  EventSourceArn: 'arn:stream',
  FunctionName: 'f',
  StartingPosition: 'TRIM_HORIZON' as const,
};

it("what the template leaves out is Lambda's default", () => {
  expect(readSettings(required)).toEqual({
    batchSize: 100,
    batchingWindowMs: 0,
    startingPosition: 'TRIM_HORIZON',
    parallelizationFactor: 1,
    retry: {
      maximumRetryAttempts: Number.POSITIVE_INFINITY,
      bisectBatch: false,
      reportsItemFailures: false,
    },
    maximumRecordAgeMs: Number.POSITIVE_INFINITY,
    matches: expect.any(Function),
  });
});

it('what the template says is taken over', () => {
  expect(
    readSettings({
      ...required,
      StartingPosition: 'LATEST',
      BatchSize: 25,
      MaximumBatchingWindowInSeconds: 2,
      ParallelizationFactor: 4,
      MaximumRetryAttempts: 0,
      MaximumRecordAgeInSeconds: 3_600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    }),
  ).toMatchObject({
    batchSize: 25,
    batchingWindowMs: 2_000,
    startingPosition: 'LATEST',
    parallelizationFactor: 4,
    retry: { maximumRetryAttempts: 0, bisectBatch: true, reportsItemFailures: true },
    maximumRecordAgeMs: 3_600_000,
  });
});

it('a filter that cannot be used is refused before anything is read', () => {
  const FilterCriteria = { Filters: [{ Pattern: '{"eventName":[{"wildcard":"*"}]}' }] };
  expect(() => readSettings({ ...required, FilterCriteria })).toThrow('wildcard');
});
