import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import { functionsOf } from '../../../infra/constructs/transfer-ways.ts';
import { parseCompute, settingsOf, stageNames } from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';
import { synthesized } from './synthesized.ts';

/** Those that answer requests and have tables to wait for. */
const shared = [
  'open-account',
  'deposit',
  'withdraw',
  'request-transfer',
  'get-account',
  'list-entries',
  'list-transfers',
  'get-transfer',
  'get-command',
];

const resources = synthesized('dev', { compute: 'instances' });
const ofType = (type: string) => resources.filter((resource) => resource.type === type);
const functions = ofType('AWS::Lambda::Function');
const named = (name: string) => {
  const found = functions.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`there is no function ${name}`);
  return found.properties;
};

describe('on demand', () => {
  it.each(stageNames)('is how all functions run in %s, without a network', (stage) => {
    const types = new Set(synthesized(stage).map(({ type }) => type));
    expect([...types].filter((type) => /EC2|CapacityProvider/.test(type))).toEqual([]);
    expect(JSON.stringify(synthesized(stage))).not.toContain('CapacityProviderConfig');
  });
});

describe('on instances', () => {
  it('run the functions that answer requests and wait for tables, and no others', () => {
    const onInstances = functions.filter(({ properties }) => properties['CapacityProviderConfig']);
    expect(onInstances.map(({ name }) => name)).toEqual(
      shared.map((name) => `holdfast-dev-instances-${name}`),
    );
    const others = functionsOf(settingsOf('dev')).filter((name) => !shared.includes(name));
    expect(functions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(others.map((name) => `holdfast-dev-${name}`)),
    );
  });

  it('no function has the name of one on demand: a capacity provider can never be taken off again', () => {
    const onDemand = synthesized('dev')
      .filter(({ type }) => type === 'AWS::Lambda::Function')
      .map(({ name }) => name);
    for (const name of shared) {
      expect(onDemand).toContain(`holdfast-dev-${name}`);
      expect(functions.map((it) => it.name)).not.toContain(`holdfast-dev-${name}`);
    }
  });

  it.each(shared)('%s takes many requests at once, in one thread of one processor', (name) => {
    const properties = named(`holdfast-dev-instances-${name}`);
    expect(properties).toMatchObject({
      MemorySize: 2048,
      CapacityProviderConfig: {
        LambdaManagedInstancesCapacityProviderConfig: {
          CapacityProviderArn: 'FunctionsInstancesCapacity.Arn',
          PerExecutionEnvironmentMaxConcurrency: 64,
          ExecutionEnvironmentMemoryGiBPerVCpu: 2,
        },
      },
      FunctionScalingConfig: { MinExecutionEnvironments: 3, MaxExecutionEnvironments: 6 },
      // What its plain ARN invokes, to which the API's routes lead.
      PublishToLatestPublished: true,
      Environment: { Variables: { AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' } },
    });
    expect(properties).not.toHaveProperty('ReservedConcurrentExecutions');
    expect(ofType('AWS::ApiGatewayV2::Integration')).toContainEqual(
      expect.objectContaining({
        properties: expect.objectContaining({
          IntegrationUri: `holdfast-dev-instances-${name}.Arn`,
        }),
      }),
    );
  });

  it.each([
    { tracing: true, services: ['logs', 'xray'] },
    { tracing: false, services: ['logs'] },
  ])('nothing leads out of the network but to DynamoDB and $services', ({ tracing, services }) => {
    const network = synthesized('dev', { compute: 'instances', tracing });
    const endpoints = network
      .filter(({ type }) => type === 'AWS::EC2::VPCEndpoint')
      .map(({ properties }) => `${properties['VpcEndpointType']} ${properties['ServiceName']}`);
    expect(endpoints.sort()).toEqual([
      'Gateway com.amazonaws.AWS::Region.dynamodb',
      ...services.map((service) => `Interface com.amazonaws.AWS::Region.${service}`),
    ]);
    const ways = /InternetGateway|NatGateway|EC2::Route$|EIP/;
    expect(network.filter(({ type }) => ways.test(type))).toEqual([]);
    expect(network.filter(({ type }) => type === 'AWS::EC2::Subnet')).toHaveLength(3);
  });

  it('there are no more processors than a stage is to pay for, of one architecture', () => {
    expect(ofType('AWS::Lambda::CapacityProvider').map(({ properties }) => properties)).toEqual([
      expect.objectContaining({
        CapacityProviderScalingConfig: { MaxVCpuCount: 80 },
        InstanceRequirements: { Architectures: ['arm64'] },
      }),
    ]);
  });

  it('no concurrency can be reserved, and that is said', () => {
    const reservedConcurrency = { deposit: 5 };
    expect(() => synthesized('dev', { compute: 'instances', reservedConcurrency })).toThrow(
      'deposit runs on instances, for which no concurrency can be reserved',
    );
    expect(() => synthesized('dev', { reservedConcurrency })).not.toThrow();
  });

  it('the rules of cdk-nag are kept, or it is said why not', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'holdfast-instances-'));
    const { app } = createApp({
      stage: 'prod',
      settings: { compute: 'instances' },
      outdir,
      code: () => Code.fromInline('exports.handler = async () => {}'),
    });
    expect(() => app.synth()).not.toThrow();
    rmSync(outdir, { recursive: true });
  });
});

describe('what somebody types', () => {
  it('is one of two, or answered with both', () => {
    expect(['on-demand', 'instances'].map(parseCompute)).toEqual(['on-demand', 'instances']);
    expect(() => parseCompute('Instances')).toThrow(
      'There is no compute "Instances". There is: on-demand, instances.',
    );
  });
});
