import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  type IFunction,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StreamSettings } from '../stages.ts';
import { streamArnOf } from './tables.ts';

/** Which stream goes to which function, and how. */
export interface StreamMappingProps {
  readonly source: Table;
  readonly consumer: IFunction;
  readonly deadLetters: IQueue;
  readonly settings: StreamSettings;
  /** A pattern on the stream record; none: every stream record. */
  readonly filter?: Record<string, unknown>;
}

/**
 * The commands that queue. The stream also has a record of each item that its time to live removes,
 * which says nothing.
 */
export const queuedCommands: Record<string, unknown> = { eventName: FilterRule.isEqual('INSERT') };

/** The commits that reserve money: no other commit has the attribute. */
export const reservations: Record<string, unknown> = {
  dynamodb: { NewImage: { reserves: { N: FilterRule.exists() } } },
};

/**
 * Hands a table's stream to a function, from its oldest stream record on.
 *
 * The function reports a stream record that fails, and Lambda cuts the batch there or halves it
 * until the record stands alone. The record holds up its shard only until its attempts or its age
 * run out; then Lambda reports it as a dead letter.
 */
export class StreamMapping extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { source, consumer, deadLetters, settings, filter }: StreamMappingProps,
  ) {
    super(scope, id);
    new EventSourceMapping(this, 'Mapping', {
      target: consumer,
      eventSourceArn: streamArnOf(source),
      // Never LATEST: the consumer would miss the commits that land while the mapping is made.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: settings.batchSize,
      parallelizationFactor: settings.parallelBatches,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: settings.retryAttempts,
      maxRecordAge: Duration.minutes(settings.maxRecordAgeMinutes),
      onFailure: new SqsDlq(deadLetters),
      ...(filter && { filters: [FilterCriteria.filter(filter)] }),
    });
  }
}
