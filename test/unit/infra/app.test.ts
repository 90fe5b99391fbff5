import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { functionsOf } from '../../../infra/constructs/transfer-ways.ts';
import {
  parseStage,
  type StageName,
  type StageSettings,
  settingsOf,
  stageNames,
} from '../../../infra/stages.ts';
import { createApp, synthesize } from '../../../infra/synth.ts';
import { synthesized } from './synthesized.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const appOf = (stage: StageName) => {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-app-'));
  directories.push(outdir);
  return createApp({
    stage,
    outdir,
    code: () => Code.fromInline('exports.handler = async () => {}'),
  });
};

describe('the app', () => {
  // The other tests, and those end to end, leave CDK's own check to these.
  beforeEach(() => {
    vi.stubEnv('CDK_VALIDATION', 'true');
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it.each(stageNames)(
    'keeps the AwsSolutions rules of cdk-nag, and what CloudFormation asks, in %s',
    (stage) => {
      expect(() => appOf(stage).app.synth()).not.toThrow();
    },
  );

  it('is not synthesized when it breaks one of them', () => {
    const { app } = appOf('dev');
    for (const table of app.node.findAll().filter((construct) => construct instanceof CfnTable)) {
      table.pointInTimeRecoverySpecification = { pointInTimeRecoveryEnabled: false };
    }

    expect(() => app.synth()).toThrow(/AwsSolutions-DDB3/);
  });

  it('is not synthesized where CloudFormation would refuse it', () => {
    const { app } = appOf('dev');
    for (const table of app.node.findAll().filter((construct) => construct instanceof CfnTable))
      table.addPropertyOverride('BillingMode', 'FREE');
    expect(() => app.synth()).toThrow(/BillingMode/);
  });
});

describe('a first deployment that fails', () => {
  const resources = (stage: StageName) =>
    synthesized(stage).filter(
      ({ type }) => type === 'AWS::DynamoDB::Table' || type === 'AWS::Logs::LogGroup',
    );

  it('leaves no table and no log group behind whose name would block the next one, in production', () => {
    const kept = resources('prod');

    expect(kept).toHaveLength(4 + functionsOf(settingsOf('prod')).length + 2);
    expect(new Set(kept.map(({ deletionPolicy }) => deletionPolicy))).toEqual(
      new Set(['RetainExceptOnCreate']),
    );
  });

  it.each(stageNames)('meets no resource that is kept whatever happens, in %s', (stage) => {
    expect(synthesized(stage).filter(({ deletionPolicy }) => deletionPolicy === 'Retain')).toEqual(
      [],
    );
  });
});

describe('the stack', () => {
  const stackOf = (stage: StageName, settings: Partial<StageSettings> = {}) =>
    createApp({ stage, settings, code: () => Code.fromInline('exports.handler = async () => {}') })
      .stack;

  it('refuses to be deleted in production', () => {
    expect(stackOf('prod').terminationProtection).toBe(true);
    expect(stackOf('dev').terminationProtection).toBe(false);
  });

  it('is for the account and the region that its stage names, or for any', () => {
    const env = { account: '0'.repeat(12), region: 'eu-central-1' };

    expect(stackOf('prod', { env }).environment).toBe(`aws://${env.account}/${env.region}`);
    expect(stackOf('prod').environment).toBe('aws://unknown-account/unknown-region');
  });
});

describe('the template', () => {
  const template = Template.fromStack(appOf('dev').stack).toJSON();

  it('says nothing about the account or the region it is for, and asks for nothing', () => {
    expect(Object.keys(template).sort()).toEqual(['Description', 'Outputs', 'Resources']);
    expect(JSON.stringify(template)).not.toMatch(/\d{12}|\b[a-z]{2}-[a-z]+-\d\b/);
  });

  it('has no custom resources, which the local cloud could not run', () => {
    expect(JSON.stringify(template)).not.toMatch(/"Type":"(Custom::|AWS::CloudFormation::)/);
  });

  it('says where everything is', () => {
    expect(Object.keys(template['Outputs'])).toEqual([
      'ApiUrl',
      'EventsTable',
      'CommandsTable',
      'QueueTable',
      'ViewsTable',
      'TransferWorkflowArn',
      'DeadLettersUrl',
      'AlarmTopicArn',
      'TokenIssuer',
      'TokenAudience',
    ]);
  });
});

describe('stages', () => {
  it('are dev and prod, and a name that is neither is answered with the list', () => {
    expect(stageNames).toEqual(['dev', 'prod']);
    expect(() => parseStage('production')).toThrow(
      'There is no stage "production". The stages are: dev, prod.',
    );
    expect(() => parseStage('toString')).toThrow('There is no stage');
  });

  it('are refused before anything is built', async () => {
    await expect(synthesize({ stage: 'test', outdir: 'nowhere' })).rejects.toThrow(
      'There is no stage "test".',
    );
    expect(existsSync('nowhere')).toBe(false);
  });

  it('are open to everybody by nothing but that setting, which the template then shows', () => {
    expect(stageNames.filter((stage) => settingsOf(stage).identity === 'open')).toEqual([]);
    const text = JSON.stringify(synthesized('dev', { identity: 'open' }));
    expect(text).toContain('"CALLERS":"open"');
    expect(text).not.toMatch(/"AuthorizationType":"JWT"|Cognito/);
  });

  it('protect the data of production', () => {
    expect(settingsOf('prod')).toMatchObject({ protectData: true, logRetentionDays: 365 });
  });
});
