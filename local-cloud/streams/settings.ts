import type { PropertiesOf } from '../template/rules.ts';
import { compileFilters } from './filter.ts';
import type { StreamRecord } from './stream-record.ts';

/**
 * How a stream is handed to a function, with Lambda's defaults where the template leaves a setting
 * out.
 */
export interface MappingSettings {
  /** Most records in one invocation. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more, in milliseconds. */
  readonly batchingWindowMs: number;
  /** Where a mapping without a checkpoint begins. */
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** How many batches of one shard are under way at once; those of one partition key never are. */
  readonly parallelizationFactor: number;
  readonly retry: RetryRules;
  /** The age at which records are given up, in milliseconds; Infinity: never. */
  readonly maximumRecordAgeMs: number;
  /** Whether the function is to see a record. */
  readonly matches: (record: StreamRecord) => boolean;
}

/** The settings that decide what becomes of a failed batch. */
export interface RetryRules {
  /** How often a batch is tried again; Infinity: until it is too old. */
  readonly maximumRetryAttempts: number;
  /** Whether a batch that failed is split before it is tried again. */
  readonly bisectBatch: boolean;
  /** Whether the function may say from which record on it failed. */
  readonly reportsItemFailures: boolean;
}

/**
 * Reads the resolved properties of an `AWS::Lambda::EventSourceMapping`.
 * @throws Error that names a filter that is not supported here. Settings that AWS would not take
 *   were refused with the template.
 */
export const readSettings = (
  properties: PropertiesOf<'AWS::Lambda::EventSourceMapping'>,
): MappingSettings => ({
  batchSize: properties.BatchSize ?? 100,
  batchingWindowMs: 1_000 * (properties.MaximumBatchingWindowInSeconds ?? 0),
  startingPosition: properties.StartingPosition,
  parallelizationFactor: properties.ParallelizationFactor ?? 1,
  retry: {
    maximumRetryAttempts: orForever(properties.MaximumRetryAttempts),
    bisectBatch: properties.BisectBatchOnFunctionError ?? false,
    reportsItemFailures:
      properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
  },
  maximumRecordAgeMs: 1_000 * orForever(properties.MaximumRecordAgeInSeconds),
  matches: compileFilters(properties.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? []),
});

/** Lambda writes "no limit" as -1. */
const orForever = (value = -1): number => (value === -1 ? Number.POSITIVE_INFINITY : value);
