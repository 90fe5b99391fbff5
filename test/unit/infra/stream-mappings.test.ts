import { describe, expect, it } from 'vitest';
import { synthesized } from './synthesized.ts';

const resources = synthesized('dev');
const mappings = resources
  .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
  .map(({ properties }) => properties);

const bounded = {
  StartingPosition: 'TRIM_HORIZON',
  FunctionResponseTypes: ['ReportBatchItemFailures'],
  BisectBatchOnFunctionError: true,
  DestinationConfig: { OnFailure: { Destination: 'holdfast-dev-dead-letters.Arn' } },
};

const mappingsOf = (EventSourceArn: string) =>
  mappings.filter((mapping) => mapping['EventSourceArn'] === EventSourceArn);

describe('the stream of the events', () => {
  const EventSourceArn = 'holdfast-dev-events.StreamArn';

  it('goes to project-views whole, and to carry-out-transfers as far as it reserves money', () => {
    expect(mappingsOf(EventSourceArn)).toEqual([
      {
        ...bounded,
        EventSourceArn,
        FunctionName: 'holdfast-dev-project-views',
        BatchSize: 100,
        ParallelizationFactor: 1,
        MaximumRetryAttempts: 20,
        MaximumRecordAgeInSeconds: 6 * 60 * 60,
      },
      {
        ...bounded,
        EventSourceArn,
        FunctionName: 'holdfast-dev-carry-out-transfers',
        BatchSize: 100,
        ParallelizationFactor: 1,
        MaximumRetryAttempts: 10,
        MaximumRecordAgeInSeconds: 60 * 60,
        FilterCriteria: {
          Filters: [{ Pattern: '{"dynamodb":{"NewImage":{"reserves":{"N":[{"exists":true}]}}}}' }],
        },
      },
    ]);
  });
});

describe('the stream of the queue', () => {
  const EventSourceArn = 'holdfast-dev-queue.StreamArn';
  const [mapping, ...others] = mappingsOf(EventSourceArn);

  it('goes to decide-pending, in batches of more than one transaction, one at a time, without waiting for a batch to fill', () => {
    expect(others).toEqual([]);
    expect(mapping).toEqual({
      ...bounded,
      EventSourceArn,
      FunctionName: 'holdfast-dev-decide-pending',
      BatchSize: 500,
      ParallelizationFactor: 1,
      MaximumRetryAttempts: 100,
      MaximumRecordAgeInSeconds: 6 * 60 * 60,
      FilterCriteria: {
        Filters: [{ Pattern: '{"eventName":["INSERT"]}' }],
      },
    });
  });
});

describe('the dead letters', () => {
  it('are kept for two weeks, in a queue that takes no unencrypted request', () => {
    const queues = resources.filter(({ type }) => type === 'AWS::SQS::Queue');
    const policies = resources.filter(({ type }) => type === 'AWS::SQS::QueuePolicy');

    expect(queues.map(({ properties }) => properties)).toEqual([
      {
        QueueName: 'holdfast-dev-dead-letters',
        MessageRetentionPeriod: 14 * 24 * 60 * 60,
        SqsManagedSseEnabled: true,
      },
    ]);
    expect(policies).toMatchObject([
      {
        properties: {
          Queues: ['holdfast-dev-dead-letters'],
          PolicyDocument: {
            Statement: [
              { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
            ],
          },
        },
      },
    ]);
  });
});

describe('recovery, and expiry', () => {
  it('look for open transfers and for holds whose time is over every minute', () => {
    const rules = resources.filter(({ type }) => type === 'AWS::Events::Rule');

    expect(rules).toMatchObject(
      ['recover-transfers', 'expire-holds'].map((name) => ({
        properties: {
          Name: `holdfast-dev-${name}`,
          ScheduleExpression: 'rate(1 minute)',
          State: 'ENABLED',
          Targets: [{ Arn: `holdfast-dev-${name}.Arn` }],
        },
      })),
    );
  });

  it("are not tried again by Lambda, and not left to pile up: the next minute's looks again", () => {
    const configs = resources.filter(({ type }) => type === 'AWS::Lambda::EventInvokeConfig');

    expect(configs.map(({ properties }) => properties)).toEqual(
      ['recover-transfers', 'expire-holds'].map((name) => ({
        FunctionName: `holdfast-dev-${name}`,
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: 60,
      })),
    );
  });
});
