import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import {
  type LocalCloud,
  type LocalCloudOptions,
  startLocalCloud,
} from '../../../local-cloud/cloud.ts';
import { eventually } from '../../setup/eventually.ts';

/**
 * A stack with one of each: what comes in by HTTP goes through a table, its stream and a workflow.
 */
const bundles: Readonly<Record<string, string>> = {
  put: `${callAws()}
    export const handler = async (event) => {
      await call(process.env.AWS_ENDPOINT_URL_DYNAMODB, 'DynamoDB_20120810.PutItem', {
        TableName: process.env.TABLE, Item: { pk: { S: event.pathParameters.id } } });
      return { statusCode: 201, body: 'put' };
    };`,
  relay: `${callAws()}
    export const handler = async (event) => {
      for (const { dynamodb } of event.Records) {
        const id = dynamodb.NewImage.pk.S;
        if (id === 'poison') throw new Error('poisoned');
        await call(process.env.AWS_ENDPOINT_URL_SFN, 'AWSStepFunctions.StartExecution', {
          stateMachineArn: process.env.MACHINE, name: id, input: JSON.stringify({ id }) });
      }
    };`,
  finish:
    'export const handler = async (input) => { console.log("finished " + input.id); return input; };',
};

/** A bundle in a temporary directory finds no SDK: the protocol is simple enough. */
function callAws(): string {
  return `
    const call = async (endpoint, target, body) => {
      const credential = process.env.AWS_ACCESS_KEY_ID + '/20260101/' + process.env.AWS_REGION + '/x/aws4_request';
      const response = await fetch(endpoint, { method: 'POST', body: JSON.stringify(body), headers: {
        'x-amz-target': target, 'content-type': 'application/x-amz-json-1.0', 'x-amz-date': '20260101T000000Z',
        authorization: 'AWS4-HMAC-SHA256 Credential=' + credential + ', SignedHeaders=host, Signature=0' } });
      if (!response.ok) throw new Error(await response.text());
    };`;
}

/** What one part of the stack may do: actions by what `Fn::GetAtt` gives of a resource. */
const roleOf = (service: string, allowed: Record<string, readonly string[]> = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }],
    },
    Policies: [
      {
        PolicyName: 'access',
        PolicyDocument: {
          Statement: Object.entries({ '*': ['logs:*'], ...allowed }).map(([resource, Action]) => ({
            Effect: 'Allow',
            Action,
            Resource: resource === '*' ? '*' : { 'Fn::GetAtt': resource.split('.') },
          })),
        },
      },
    ],
  },
});

/** Lets a service invoke a function. */
const permissionOf = (functionId: string, Principal: string, SourceArn: unknown) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: { 'Fn::GetAtt': [functionId, 'Arn'] },
    Principal,
    SourceArn,
  },
});

const functionOf = (name: string, variables: Record<string, unknown> = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: name,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: { 'Fn::GetAtt': [`Role${name}`, 'Arn'] },
    Code: { S3Bucket: 'assets', S3Key: `${name}.zip` },
    Timeout: 10,
    MemorySize: 256,
    Environment: { Variables: variables },
  },
});

const resources = {
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName: 'things',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    },
  },
  Roleput: roleOf('lambda.amazonaws.com', { 'Table.Arn': ['dynamodb:PutItem'] }),
  Rolerelay: roleOf('lambda.amazonaws.com', {
    'Table.StreamArn': [
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
    ],
    '*': ['dynamodb:ListStreams', 'logs:*'],
    'Machine.Arn': ['states:StartExecution'],
    'Dead.Arn': ['sqs:SendMessage'],
  }),
  Rolefinish: roleOf('lambda.amazonaws.com'),
  MachineRole: roleOf('states.amazonaws.com', { 'Finish.Arn': ['lambda:InvokeFunction'] }),
  Put: functionOf('put', { TABLE: { Ref: 'Table' } }),
  Relay: functionOf('relay', { MACHINE: { Ref: 'Machine' } }),
  Finish: functionOf('finish'),
  Machine: {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      RoleArn: { 'Fn::GetAtt': ['MachineRole', 'Arn'] },
      StateMachineName: 'things',
      DefinitionString: {
        'Fn::Join': [
          '',
          [
            '{"StartAt":"Finish","States":{"Finish":{"Type":"Task","End":true,"Resource":"',
            { 'Fn::GetAtt': ['Finish', 'Arn'] },
            '"}}}',
          ],
        ],
      },
    },
  },
  Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
  Mapping: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
      FunctionName: { Ref: 'Relay' },
      StartingPosition: 'TRIM_HORIZON',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
    },
  },
  Rule: {
    Type: 'AWS::Events::Rule',
    Properties: {
      ScheduleExpression: 'rate(1 hour)',
      Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['Finish', 'Arn'] } }],
    },
  },
  Asynchronous: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { FunctionName: { Ref: 'Finish' }, Qualifier: '$LATEST', MaximumRetryAttempts: 0 },
  },
  Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'things', ProtocolType: 'HTTP' } },
  Stage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
  },
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': ['Put', 'Arn'] },
      PayloadFormatVersion: '2.0',
    },
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: 'POST /things/{id}',
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
      AuthorizationType: 'NONE',
    },
  },
  PutPermission: permissionOf('Put', 'apigateway.amazonaws.com', {
    'Fn::Join': ['', ['arn:aws:execute-api:us-east-1:*:', { Ref: 'Api' }, '/*/*/things/{id}']],
  }),
  FinishPermission: permissionOf('Finish', 'events.amazonaws.com', {
    'Fn::GetAtt': ['Rule', 'Arn'],
  }),
};

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const writeAssembly = (changes: Record<string, unknown> = {}): string => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-cloud-'));
  cleanUp.push(() => rmSync(directory, { recursive: true }));
  const write = (file: string, value: unknown) =>
    writeFileSync(join(directory, file), JSON.stringify(value));
  for (const [name, source] of Object.entries(bundles)) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'index.mjs'), source);
  }
  const asset = (name: string) => ({
    source: { path: name, packaging: 'zip' },
    destinations: { here: { objectKey: `${name}.zip` } },
  });
  write('assets.json', {
    files: Object.fromEntries(Object.keys(bundles).map((name) => [name, asset(name)])),
  });
  write('template.json', { Resources: { ...resources, ...changes } });
  const environment = 'aws://unknown-account/unknown-region';
  write('manifest.json', {
    artifacts: {
      assets: { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
      Things: {
        type: 'aws:cloudformation:stack',
        environment,
        properties: { templateFile: 'template.json' },
      },
    },
  });
  return directory;
};

const optionsFor = (assembly: LocalCloudOptions['assembly']) => {
  const lines: string[] = [];
  const warnings: string[] = [];
  const options: LocalCloudOptions = {
    assembly,
    port: 0,
    dynamodb: {
      endpoint: inject('dynamodb').endpoint,
      accessKeyId: randomBytes(10).toString('hex'),
    },
    report: {
      step: () => {},
      warn: (line) => warnings.push(line),
      log: (name, line) => lines.push(`${name}: ${line}`),
    },
  };
  return { options, lines, warnings };
};

const start = async (
  changes: Record<string, unknown> = {},
): Promise<{ cloud: LocalCloud; lines: string[]; warnings: string[] }> => {
  const { options, lines, warnings } = optionsFor(writeAssembly(changes));
  const cloud = await startLocalCloud(options);
  cleanUp.push(() => cloud.stop());
  return { cloud, lines, warnings };
};

const listeners = () =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'TCPServerWrap').length;

const put = (cloud: LocalCloud, id: string) =>
  fetch(`${cloud.url}/things/${id}`, { method: 'POST' });

describe('the local cloud', () => {
  it('leads a request through function, table, stream and workflow', async () => {
    const { cloud, lines, warnings } = await start();
    const calls: string[] = [];
    cloud.intercept((call, forward) => {
      calls.push(`${call.functionName} ${call.operation}`);
      return forward();
    });
    const response = await put(cloud, 'a1');
    expect([response.status, await response.text()]).toEqual([201, 'put']);
    await eventually(() => expect(lines).toEqual(['finish: finished a1']));
    expect(calls).toEqual(['put PutItem', 'relay StartExecution']);
    expect(warnings).toEqual([]);
  });

  it('keeps what a mapping gave up in its queue, and says so', async () => {
    const { cloud, lines, warnings } = await start();
    await put(cloud, 'poison');
    await eventually(() => expect(cloud.queues.get('dead')).toHaveLength(1));
    expect(warnings).toContain('relay: Error: poisoned');
    expect(cloud.overview().deadLetters).toEqual({ dead: 1 });
    await put(cloud, 'a2');
    await eventually(() => expect(lines).toContain('finish: finished a2'));
  });

  it('says what runs where', async () => {
    const { cloud } = await start();
    await put(cloud, 'a1');
    const overview = await (
      await fetch(`${cloud.url}/_local`, { headers: { 'sec-local': 'yes' } })
    ).json();
    expect(overview).toMatchObject({
      api: { url: cloud.url, routes: ['POST /things/{id}'] },
      dynamodb: { tables: ['things'], endpoint: inject('dynamodb').endpoint },
      functions: expect.arrayContaining([{ name: 'put', workers: 1 }]),
      streams: [{ table: 'things', function: 'relay' }],
      workflows: [{ name: 'things', type: 'STANDARD' }],
      schedules: [{ expression: 'rate(1 hour)', function: 'finish' }],
    });
  });

  it('says what AWS would do with a third reader of a stream', async () => {
    const { warnings } = await start({ Second: resources.Mapping, Third: resources.Mapping });
    expect(warnings).toEqual([
      'The stream of "Table" has 3 readers (relay, relay, relay): AWS would throttle all beyond two.',
    ]);
  });

  it('ends everything when it is stopped', async () => {
    const { cloud } = await start();
    await put(cloud, 'a1');
    await Promise.all([cloud.stop(), cloud.stop()]);
    expect([...cloud.functions.values()].map((running) => running.workers())).toEqual([0, 0, 0]);
    await expect(put(cloud, 'a2')).rejects.toThrow('fetch failed');
  });
});

/** The role of relay, less one action. */
const relayWithout = (action: string) => {
  const { Properties } = resources.Rolerelay;
  const Statement = Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map((statement) => ({ ...statement, Action: statement.Action.filter((it) => it !== action) }))
    .filter(({ Action }) => Action.length > 0);
  const Policies = [{ PolicyName: 'access', PolicyDocument: { Statement } }];
  return { ...resources.Rolerelay, Properties: { ...Properties, Policies } };
};

const nothing = roleOf('lambda.amazonaws.com');
const gone = { Type: 'AWS::SNS::Topic' };

describe('a right that is missing', () => {
  it('to put an item: the function hears what AWS would say', async () => {
    const { cloud, warnings } = await start({ Roleput: nothing });
    expect((await put(cloud, 'a1')).status).toBe(500);
    const denied =
      'User: arn:aws:sts::000000000000:assumed-role/Things-Roleput/put is not authorized to perform: dynamodb:PutItem ' +
      'on resource: arn:aws:dynamodb:us-east-1:000000000000:table/things because no identity-based policy allows the dynamodb:PutItem action';
    expect(warnings).toContain(`put: ${denied}`);
    expect(warnings.join()).toContain('com.amazon.coral.service#AccessDeniedException');
  });

  it('of the table’s own policy is missing for everybody', async () => {
    const Table = structuredClone(resources.Table);
    const deny = { Effect: 'Deny', Principal: '*', Action: 'dynamodb:PutItem', Resource: '*' };
    Object.assign(Table.Properties, { ResourcePolicy: { PolicyDocument: { Statement: deny } } });
    const { cloud, warnings } = await start({ Table });
    expect((await put(cloud, 'a1')).status).toBe(500);
    expect(warnings.join()).toContain('with an explicit deny in a resource-based policy');
  });

  it('of the API to invoke a function: 500 from the gateway, and the function hears nothing', async () => {
    const { cloud, warnings } = await start({ PutPermission: gone });
    const response = await put(cloud, 'a1');
    expect([response.status, await response.json()]).toEqual([
      500,
      { message: 'Internal Server Error' },
    ]);
    expect(cloud.functions.get('put')?.workers()).toBe(0);
    expect(warnings.join()).toContain('put is not invoked: User: apigateway.amazonaws.com');
  });

  it('of another path of the API is no right', async () => {
    const SourceArn = 'arn:aws:execute-api:us-east-1:000000000000:Things-Api/*/*/things';
    const { cloud } = await start({
      PutPermission: permissionOf('Put', 'apigateway.amazonaws.com', SourceArn),
    });
    expect((await put(cloud, 'a1')).status).toBe(500);
  });

  it('of the workflow to invoke a function: the task fails as on AWS', async () => {
    const { cloud, lines } = await start({ MachineRole: roleOf('states.amazonaws.com') });
    await put(cloud, 'a1');
    const told = await eventually(async () => {
      const headers = { 'sec-local': 'yes' };
      const found = await fetch(`${cloud.url}/_local/executions/a1`, { headers });
      const body = JSON.parse(await found.text());
      expect(body).toMatchObject({ status: 'FAILED' });
      return body;
    });
    expect(JSON.stringify(told.history)).toContain('Lambda.AWSLambdaException');
    expect(lines).toEqual([]);
  });

  it('of the function behind a mapping to report what Lambda gives up: it is lost, and said', async () => {
    const { cloud, warnings } = await start({ Rolerelay: relayWithout('sqs:SendMessage') });
    await put(cloud, 'poison');
    await eventually(() =>
      expect(warnings.join()).toContain('relay: a message is lost: User: arn:aws:sts'),
    );
    expect(cloud.queues.get('dead')).toEqual([]);
  });

  it.each([
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
  ])('to read the stream (%s): the mapping cannot be made', async (action) => {
    const { options } = optionsFor(writeAssembly({ Rolerelay: relayWithout(action) }));
    await expect(startLocalCloud(options)).rejects.toThrow(
      'Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.',
    );
  });

  it('to write its log: its lines are lost, and it is said once', async () => {
    const Rolefinish = structuredClone(nothing);
    Rolefinish.Properties.Policies = [];
    const { cloud, lines, warnings } = await start({ Rolefinish });
    await put(cloud, 'a1');
    await put(cloud, 'a2');
    await eventually(() =>
      expect(warnings.filter((line) => line.includes('Log lines are lost'))).toHaveLength(1),
    );
    expect(lines).toEqual([]);
  });

  it('of a service to take a role stops the start, and is named', async () => {
    const { options } = optionsFor(writeAssembly({ Roleput: roleOf('states.amazonaws.com') }));
    await expect(startLocalCloud(options)).rejects.toThrow(
      'its role Things-Roleput lets lambda.amazonaws.com not take it',
    );
  });

  it('of which nothing is known stops the start: a managed policy, a role from elsewhere', async () => {
    const Roleput = structuredClone(nothing);
    const other = 'arn:aws:iam::aws:policy/AdministratorAccess';
    Object.assign(Roleput.Properties, { ManagedPolicyArns: [other] });
    const managed = optionsFor(writeAssembly({ Roleput })).options;
    await expect(startLocalCloud(managed)).rejects.toThrow(other);
    const Put = structuredClone(resources.Put);
    Object.assign(Put.Properties, { Role: 'arn:aws:iam::000000000000:role/elsewhere' });
    const elsewhere = optionsFor(writeAssembly({ Put })).options;
    await expect(startLocalCloud(elsewhere)).rejects.toThrow('role/elsewhere');
  });
});

describe('a start that fails', () => {
  it('on the template says what cannot be run', async () => {
    const { options } = optionsFor(writeAssembly({ Bucket: { Type: 'AWS::S3::Bucket' } }));
    await expect(startLocalCloud(options)).rejects.toThrow('AWS::S3::Bucket "Bucket"');
  });

  it('on the synthesis says why', async () => {
    const { options } = optionsFor(Promise.reject(new Error('not synthesized')));
    await expect(startLocalCloud(options)).rejects.toThrow('not synthesized');
  });

  it('on the port says so before anything else is started', async () => {
    const { cloud } = await start();
    const { options } = optionsFor(new Promise(() => {}));
    const port = Number(new URL(cloud.url).port);
    await expect(startLocalCloud({ ...options, port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('on a data directory that another local cloud uses says so, and that one goes on', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'holdfast-data-'));
    cleanUp.push(() => rmSync(dataDirectory, { recursive: true }));
    const first = await startLocalCloud({ ...optionsFor(writeAssembly()).options, dataDirectory });
    cleanUp.push(() => first.stop());
    const again = () => startLocalCloud({ ...optionsFor(writeAssembly()).options, dataDirectory });
    await expect(again()).rejects.toThrow(
      `The directory ${dataDirectory}, given by --data, cannot be used`,
    );
    expect((await put(first, 'a1')).status).toBe(201);
    await first.stop();
    await (await again()).stop();
  });

  it('half way leaves nothing running', async () => {
    const rule = {
      ...resources.Rule,
      Properties: { ...resources.Rule.Properties, ScheduleExpression: 'rate(1 year)' },
    };
    const { options } = optionsFor(writeAssembly({ Rule: rule }));
    await expect(startLocalCloud(options)).rejects.toThrow('rate(1 year)');
    await eventually(() => expect(listeners()).toBe(0));
  });
});
