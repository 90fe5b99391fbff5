import { describe, expect, it } from 'vitest';
import { stageNames } from '../../../infra/stages.ts';
import { synthesized } from './synthesized.ts';

/** The statement by which a queue or a topic refuses whoever comes without TLS. */
const overTlsAlone = (actions: unknown) => ({
  Effect: 'Deny',
  Principal: expect.anything(),
  Action: actions,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});

describe.each(stageNames)('what goes from one part of %s to another', (stage) => {
  const resources = synthesized(stage);
  const statementsOf = (type: string) =>
    resources
      .filter((resource) => resource.type === type)
      .flatMap(({ properties }) => Object(properties['PolicyDocument']).Statement);

  it('reaches the queue of dead letters over TLS, or not at all', () => {
    expect(statementsOf('AWS::SQS::QueuePolicy')).toContainEqual(
      expect.objectContaining(overTlsAlone('sqs:*')),
    );
  });

  it('reaches the topic of the alarms over TLS, or not at all', () => {
    expect(statementsOf('AWS::SNS::TopicPolicy')).toContainEqual(
      expect.objectContaining(overTlsAlone('sns:Publish')),
    );
  });

  it('goes to the endpoints of AWS that the SDK knows, which take HTTPS: no function is told another', () => {
    const functions = resources.filter(({ type }) => type === 'AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThan(10);
    for (const { name, properties } of functions) {
      const variables = Object(properties['Environment']).Variables;
      const told = Object.entries(variables).filter(
        ([variable, value]) => /ENDPOINT|PROXY|TLS/i.test(variable) || /http:/.test(String(value)),
      );
      expect(told, name).toEqual([]);
    }
  });
});
