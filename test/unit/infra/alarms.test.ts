import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { streamConsumers } from '../../../infra/stages.ts';
import { synthesized } from './synthesized.ts';

const dev = synthesized('dev');
const alarmsIn = (resources: typeof dev) => resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
const alarms = alarmsIn(dev);

const Metric = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: z.array(z.looseObject({})) });
const AlarmProperties = z.object({
  Threshold: z.number(),
  MetricName: z.optional(z.string()),
  Metrics: z.optional(z.array(z.object({ MetricStat: z.optional(z.object({ Metric })) }))),
});

/** What an alarm watches and when it rings: `<metric>, … >= <threshold>`. */
const watched = ({ properties }: (typeof alarms)[number]): string => {
  const { Threshold, MetricName, Metrics = [] } = AlarmProperties.parse(properties);
  const metrics = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
  return `${[MetricName ?? []].flat().concat(metrics).join(', ')} >= ${Threshold}`;
};

const times = (count: number, metric: string) => Array.from({ length: count }, () => metric).join(', ');

describe('the alarms', () => {
  it('ring for transfers left half done, lost records, slow consumers, and failures of the API and the functions', () => {
    expect(Object.fromEntries(alarms.map((alarm) => [alarm.name, watched(alarm)]))).toEqual({
      'holdfast-dev-failed-transfers': 'ExecutionsFailed, ExecutionsTimedOut, ExecutionsAborted >= 1',
      'holdfast-dev-dead-letters': 'ApproximateNumberOfMessagesVisible >= 1',
      'holdfast-dev-project-views-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-carry-out-transfers-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-decide-pending-is-late': 'IteratorAge >= 120000',
      'holdfast-dev-server-errors': '5xx >= 5',
      'holdfast-dev-commands-fail': `${times(5, 'Errors')} >= 5`,
      'holdfast-dev-commands-throttled': `${times(5, 'Throttles')} >= 5`,
      'holdfast-dev-queries-fail': `${times(8, 'Errors')} >= 5`,
      'holdfast-dev-queries-throttled': `${times(8, 'Throttles')} >= 5`,
      'holdfast-dev-projections-fail': 'Errors >= 5',
      'holdfast-dev-projections-throttled': 'Throttles >= 5',
      'holdfast-dev-transfers-fail': `${times(5, 'Errors')} >= 5`,
      'holdfast-dev-transfers-throttled': `${times(5, 'Throttles')} >= 5`,
      'holdfast-dev-unreadable-records': `${times(3, 'UnreadableRecords')} >= 1`,
      'holdfast-dev-unreadable-rows': `${times(4, 'UnreadableRows')} >= 1`,
      'holdfast-dev-credits-without-reservation': 'CreditsWithoutReservation >= 1',
      'holdfast-dev-commits-ahead-of-time': 'CommitsAheadOfTime >= 1',
    });
  });

  it.each(alarms)('$name tells somebody, says what to do, and is quiet where nothing happens', ({ properties }) => {
    expect(properties).toMatchObject({
      AlarmActions: ['holdfast-dev-alarms'],
      AlarmDescription: expect.stringMatching(/\w+\./),
      TreatMissingData: 'notBreaching',
    });
  });

  it('may publish to their topic, which takes no unencrypted request', () => {
    const [policy] = dev.filter(({ type }) => type === 'AWS::SNS::TopicPolicy');

    expect(policy?.properties).toMatchObject({
      Topics: ['holdfast-dev-alarms'],
      PolicyDocument: {
        Statement: expect.arrayContaining([
          expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
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
    const subscriptions = synthesized('dev', { alarmEmails: ['ledger@example.org', 'on-call@example.org'] })
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
    const prod = Object.fromEntries(alarmsIn(synthesized('prod')).map((alarm) => [alarm.name, watched(alarm)]));

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

  it.each(streamConsumers)('shows how far %s is behind', (name) => {
    const [dashboard] = dev.filter(({ type }) => type === 'AWS::CloudWatch::Dashboard');

    const body = String(dashboard?.properties['DashboardBody']);
    expect(body).toContain(`"AWS/Lambda","IteratorAge","FunctionName","holdfast-dev-${name}"`);
  });
});
