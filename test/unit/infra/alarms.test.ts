import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { metricsOfAlarm } from './metrics.ts';
import { synthesized } from './synthesized.ts';

const dev = synthesized('dev');
const alarmsIn = (resources: typeof dev) =>
  resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
const alarms = alarmsIn(dev);

/** What an alarm watches and when it rings: `<metric>, … >= <threshold>`. */
const watched = ({ properties }: (typeof alarms)[number]): string => {
  const { Threshold, ComparisonOperator } = AlarmProperties.parse(properties);
  const operator = ComparisonOperator === 'LessThanThreshold' ? '<' : '>=';
  return `${metricsOfAlarm(properties)
    .map(({ name }) => name)
    .join(', ')} ${operator} ${Threshold}`;
};

const AlarmProperties = z.object({ Threshold: z.number(), ComparisonOperator: z.string() });

const times = (count: number, metric: string) =>
  Array.from({ length: count }, () => metric).join(', ');

describe('the alarms', () => {
  it('ring for money that does not arrive, lost records, slow consumers, failures, and what is used up', () => {
    expect(Object.fromEntries(alarms.map((alarm) => [alarm.name, watched(alarm)]))).toEqual({
      'holdfast-dev-failed-transfers':
        'ExecutionsFailed, ExecutionsTimedOut, ExecutionsAborted >= 1',
      'holdfast-dev-oldest-open-transfer': 'OldestOpenTransferAge >= 600000',
      'holdfast-dev-recovery-did-not-run': 'OldestOpenTransferAge < 1',
      'holdfast-dev-recovery-fails': 'TransferRecoveryFailures >= 1',
      'holdfast-dev-oldest-overdue-hold': 'OldestOverdueHoldAge >= 600000',
      'holdfast-dev-expiry-did-not-run': 'OldestOverdueHoldAge < 1',
      'holdfast-dev-expiry-fails': 'HoldExpiryFailures >= 1',
      'holdfast-dev-failed-records':
        'ProjectionFailures, TransferStartFailures, DecidePendingFailures >= 20',
      'holdfast-dev-dead-letters': 'NumberOfMessagesSent >= 1',
      'holdfast-dev-dead-letters-waiting': 'ApproximateNumberOfMessagesVisible >= 1',
      'holdfast-dev-project-views-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-carry-out-transfers-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-decide-pending-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-server-errors': '5xx >= 5',
      'holdfast-dev-accounts-latency': `${times(5, 'RequestLatency')} >= 5000`,
      'holdfast-dev-commands-latency': `${times(6, 'RequestLatency')} >= 5000`,
      'holdfast-dev-queries-latency': `${times(8, 'RequestLatency')} >= 5000`,
      'holdfast-dev-lost-races':
        'ConditionalCheckFailedRequests, TransactionConflict, SuccessfulRequestLatency, SuccessfulRequestLatency >= 80',
      'holdfast-dev-accounts-fail': `${times(5, 'Errors')} >= 5`,
      'holdfast-dev-commands-fail': `${times(9, 'Errors')} >= 5`,
      'holdfast-dev-service-fail': `${times(4, 'Errors')} >= 5`,
      'holdfast-dev-accounts-throttled': `${times(5, 'Throttles')} >= 5`,
      'holdfast-dev-commands-throttled': `${times(9, 'Throttles')} >= 5`,
      'holdfast-dev-service-throttled': `${times(4, 'Throttles')} >= 5`,
      'holdfast-dev-queries-fail': `${times(8, 'Errors')} >= 5`,
      'holdfast-dev-queries-throttled': `${times(8, 'Throttles')} >= 5`,
      'holdfast-dev-projections-fail': 'Errors, Errors >= 5',
      'holdfast-dev-projections-throttled': 'Throttles, Throttles >= 5',
      'holdfast-dev-transfers-fail': `${times(6, 'Errors')} >= 5`,
      'holdfast-dev-transfers-throttled': `${times(6, 'Throttles')} >= 5`,
      'holdfast-dev-events-table-throttles': 'ReadThrottleEvents, WriteThrottleEvents >= 100',
      'holdfast-dev-commands-table-throttles': 'ReadThrottleEvents, WriteThrottleEvents >= 100',
      'holdfast-dev-queue-table-throttles': 'ReadThrottleEvents, WriteThrottleEvents >= 100',
      'holdfast-dev-views-table-throttles': `${times(3, 'ReadThrottleEvents, WriteThrottleEvents')} >= 100`,
      'holdfast-dev-concurrency': 'ConcurrentExecutions >= 800',
      'holdfast-dev-unreadable-records': `${times(3, 'UnreadableRecords')} >= 1`,
      'holdfast-dev-unreadable-rows': `${times(9, 'UnreadableRows')} >= 1`,
      'holdfast-dev-credits-without-reservation': 'CreditsWithoutReservation >= 1',
      'holdfast-dev-commits-ahead-of-time': 'CommitsAheadOfTime >= 1',
    });
  });

  it.each(alarms)(
    '$name tells somebody what it means and what to type, in as much as CloudWatch takes',
    ({ properties }) => {
      expect(properties).toMatchObject({
        AlarmActions: ['holdfast-dev-alarms'],
        AlarmDescription: expect.stringMatching(
          /^\w.+\. Type: (aws [a-z-]+ [a-z-]+|npm run [a-z]+)/,
        ),
      });
      expect(String(properties['AlarmDescription']).length).toBeLessThan(1_024);
    },
  );

  it('name in what is to be typed only what is there', () => {
    const named = alarms.flatMap(({ properties }) =>
      [
        ...String(properties['AlarmDescription']).matchAll(
          /(?:tail|--function-name|--queue-url|--table-name) (\S+)/g,
        ),
      ].map(([, name]) => name ?? ''),
    );
    const there = new Set(dev.flatMap(({ name }) => [name, `/aws/vendedlogs/states/${name}`]));

    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !name.endsWith('<function>') && !there.has(name))).toEqual([]);
  });

  it('are quiet where nothing happens, apart from what is scheduled, which has to have run', () => {
    const loud = alarms.filter(
      ({ properties }) => properties['TreatMissingData'] !== 'notBreaching',
    );

    expect(loud.map(({ name, properties }) => [name, properties['TreatMissingData']])).toEqual([
      ['holdfast-dev-recovery-did-not-run', 'breaching'],
      ['holdfast-dev-expiry-did-not-run', 'breaching'],
    ]);
  });

  it('ring again for a second dead letter: a minute without one, and the first is over', () => {
    const alarm = alarms.find(({ name }) => name === 'holdfast-dev-dead-letters');

    expect(alarm?.properties).toMatchObject({ Statistic: 'Sum', Period: 60, EvaluationPeriods: 1 });
  });

  it('watch the throttles of every index', () => {
    const indexes = metricsOfAlarm(
      alarms.find(({ name }) => name === 'holdfast-dev-views-table-throttles')?.properties ?? {},
    ).flatMap(({ dimensions }) => dimensions['GlobalSecondaryIndexName'] ?? []);

    expect(new Set(indexes)).toEqual(new Set(['accountsByOwner', 'openTransfers']));
  });

  it.each(['dead-letters', 'unreadable-records', 'unreadable-rows'])(
    '%s names the command that makes the views again',
    (name) => {
      const alarm = alarms.find((found) => found.name === `holdfast-dev-${name}`);
      expect(alarm?.properties['AlarmDescription']).toContain('npm run rebuild -- --stage dev');
    },
  );

  it.each(alarms)('$name takes no more metrics than an alarm can', ({ properties }) => {
    expect(metricsOfAlarm(properties).length).toBeLessThanOrEqual(10);
  });

  it('may publish to their topic, which takes no unencrypted request', () => {
    const [policy] = dev.filter(({ type }) => type === 'AWS::SNS::TopicPolicy');

    expect(policy?.properties).toMatchObject({
      Topics: ['holdfast-dev-alarms'],
      PolicyDocument: {
        Statement: expect.arrayContaining([
          expect.objectContaining({
            Effect: 'Deny',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
          expect.objectContaining({
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            // CloudWatch works for everybody: nobody else's alarms.
            Condition: { StringEquals: { 'aws:SourceAccount': 'AWS::AccountId' } },
          }),
        ]),
      },
    });
  });

  it('are sent to whom the stage names', () => {
    const subscriptions = synthesized('dev', {
      alarmEmails: ['ledger@example.org', 'on-call@example.org'],
    })
      .filter(({ type }) => type === 'AWS::SNS::Subscription')
      .map(({ properties }) => properties);

    expect(subscriptions).toEqual(
      ['ledger@example.org', 'on-call@example.org'].map((Endpoint) => ({
        Endpoint,
        Protocol: 'email',
        TopicArn: 'holdfast-dev-alarms',
      })),
    );
  });

  it('ring earlier in production', () => {
    const prod = Object.fromEntries(
      alarmsIn(synthesized('prod')).map((alarm) => [alarm.name, watched(alarm)]),
    );

    expect(prod).toMatchObject({
      'holdfast-prod-server-errors': '5xx >= 1',
      'holdfast-prod-project-views-is-late': 'IteratorAge >= 60000',
    });
  });
});

describe('the dashboard', () => {
  it('shows every alarm', () => {
    const [dashboard] = dev.filter(({ type }) => type === 'AWS::CloudWatch::Dashboard');

    const body = JSON.stringify(dashboard?.properties['DashboardBody']);
    expect(alarms.filter(({ name }) => !body.includes(`${name}.Arn`))).toEqual([]);
  });

  it.each(['project-views', 'carry-out-transfers', 'decide-pending'])(
    'shows how far %s is behind',
    (name) => {
      const [dashboard] = dev.filter(({ type }) => type === 'AWS::CloudWatch::Dashboard');

      const body = String(dashboard?.properties['DashboardBody']);
      expect(body).toContain(`"AWS/Lambda","IteratorAge","FunctionName","holdfast-dev-${name}"`);
    },
  );
});
