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
  /** A pattern on the record; none: every record. */
  readonly filter?: Record<string, unknown>;
}

/**
 * The commands that queue. That their time to live is over is a record of the stream too, and says
 * nothing.
 */
export const queuedCommands: Record<string, unknown> = { eventName: FilterRule.isEqual('INSERT') };

/** The commits that reserve money: the attribute is there on no others. */
export const reservations: Record<string, unknown> = {
  dynamodb: { NewImage: { reserves: { N: FilterRule.exists() } } },
};

/**
 * Hands a table's stream to a function, from its oldest record on.
 *
 * A record that fails is reported by the function, and the batch is cut there or halved until it
 * stands alone; it holds up its shard only until its attempts or its age run out, and is then
 * reported as a dead letter.
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
      // Never LATEST: what is committed while the mapping is being made would be lost to its
      // consumer.
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
