import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { functionsOf } from '../../../infra/constructs/transfer-ways.ts';
import { settingsOf } from '../../../infra/stages.ts';
import { synthesized } from './synthesized.ts';

const resources = synthesized('dev');
/** Those that the stage has: transfers.test.ts has the others. */
const functionNames = functionsOf(settingsOf('dev'));
const roles = resources.filter(({ type }) => type === 'AWS::IAM::Role');

const events = 'holdfast-dev-events.Arn';
const eventsStream = 'holdfast-dev-events.StreamArn';
const commands = 'holdfast-dev-commands.Arn';
const queue = 'holdfast-dev-queue.Arn';
const queueStream = 'holdfast-dev-queue.StreamArn';
const views = 'holdfast-dev-views.Arn';
const deadLetters = 'holdfast-dev-dead-letters.Arn';
const workflow = 'holdfast-dev-transfer-standard';
const executions =
  'arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:holdfast-dev-transfer-standard:*';

const readStream = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'];

/** What every function may do on no resource in particular: write traces. */
const anywhere = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
/** Asking which streams there are knows no resources either. */
const listStreams = { '*': ['dynamodb:ListStreams', ...anywhere] };

/**
 * All that each function may do, besides writing its own log. Written by hand: a wider role has to
 * be meant.
 */
const allowed: Record<string, Record<string, string[]>> = {
  'open-account': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  'amend-account': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
  },
  'freeze-account': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  'unfreeze-account': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  'close-account': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  deposit: {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  withdraw: {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  'request-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
    [views]: ['dynamodb:GetItem'],
  },
  'capture-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
    [views]: ['dynamodb:GetItem'],
  },
  'void-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
    [views]: ['dynamodb:GetItem'],
  },
  'reverse-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  'create-posting': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  bulk: {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  'decide-pending': {
    [queueStream]: readStream,
    ...listStreams,
    [deadLetters]: ['sqs:SendMessage'],
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  },
  'get-account': { [events]: ['dynamodb:Query'] },
  'list-entries': { [events]: ['dynamodb:Query'] },
  'list-accounts': {
    [events]: ['dynamodb:Query'],
    [`${views}/index/accountsByOwner`]: ['dynamodb:Query'],
  },
  'get-statement': { [events]: ['dynamodb:Query'] },
  'get-posting': { [commands]: ['dynamodb:GetItem'], [events]: ['dynamodb:Query'] },
  'list-transfers': {
    [events]: ['dynamodb:Query'],
    [views]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'],
  },
  'get-transfer': {
    [views]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem'],
    [events]: ['dynamodb:Query'],
  },
  'get-command': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [views]: ['dynamodb:GetItem'],
  },
  health: {},
  openapi: {},
  docs: {},
  'route-not-found': {},
  'project-views': {
    [eventsStream]: readStream,
    ...listStreams,
    [deadLetters]: ['sqs:SendMessage'],
    [views]: ['dynamodb:BatchWriteItem', 'dynamodb:UpdateItem'],
  },
  'rebuild-views': {
    [events]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'],
    [commands]: ['dynamodb:GetItem'],
    [views]: [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:Scan',
      'dynamodb:UpdateItem',
    ],
  },
  'carry-out-transfers': {
    [eventsStream]: readStream,
    ...listStreams,
    [deadLetters]: ['sqs:SendMessage'],
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    [workflow]: ['states:StartExecution'],
  },
  'credit-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  'settle-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  'release-transfer': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [commands]: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    [queue]: ['dynamodb:PutItem'],
  },
  'recover-transfers': {
    [events]: ['dynamodb:Query', 'dynamodb:Scan'],
    [views]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem'],
    [`${views}/index/openTransfers`]: ['dynamodb:Query'],
    [workflow]: ['states:StartExecution'],
    [executions]: ['states:DescribeExecution'],
  },
  'expire-holds': {
    [events]: ['dynamodb:PutItem', 'dynamodb:Query'],
    [views]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem'],
    [`${views}/index/openTransfers`]: ['dynamodb:Query'],
  },
};

describe('what a function may do', () => {
  it('is said here of every function', () => {
    expect(Object.keys(allowed)).toEqual(functionNames);
  });

  it.each(Object.entries(allowed))('%s may do this and no more', (name, access) => {
    const log = `/aws/lambda/holdfast-dev-${name}.Arn`;

    expect(accessOf(roleOf(`holdfast-dev-${name}`))).toEqual({
      [log]: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      '*': anywhere,
      ...access,
    });
  });

  it('is in a role that it shares with no other', () => {
    const used = functionNames.map((name) => roleOf(`holdfast-dev-${name}`).name);

    expect(new Set(used).size).toBe(functionNames.length);
  });
});

describe('what the workflow may do', () => {
  const access = accessOf(roleOf('holdfast-dev-transfer-standard'));

  it('is to call the three functions of its steps, and no version of them', () => {
    const { '*': _, ...onNames } = access;

    expect(onNames).toEqual({
      'holdfast-dev-credit-transfer.Arn': ['lambda:InvokeFunction'],
      'holdfast-dev-settle-transfer.Arn': ['lambda:InvokeFunction'],
      'holdfast-dev-release-transfer.Arn': ['lambda:InvokeFunction'],
    });
  });

  it('is on all resources only what cannot be on one: to deliver logs and traces', () => {
    expect(
      access['*']?.filter(
        (action) => !/^(logs:.*(LogDeliver|ResourcePolic|LogGroups)|xray:)/.test(action),
      ),
    ).toEqual([]);
  });
});

describe('policies', () => {
  it('are in the roles themselves: nothing else was granted on the way', () => {
    expect(resources.filter(({ type }) => /^AWS::IAM::(?!Role$)/.test(type))).toEqual([]);
    expect(roles.filter(({ properties }) => 'ManagedPolicyArns' in properties)).toEqual([]);
  });

  it('name resources one by one, apart from executions that are not there yet, and from actions that know none', () => {
    const recover = 'FunctionsRecoverTransfersRole';
    const functionRoles = functionNames.map((name) => roleOf(`holdfast-dev-${name}`).name);
    const wide = roles.flatMap((role) => {
      const resources = Object.keys(accessOf(role)).filter((resource) => resource.includes('*'));
      return resources.map((resource) => [role.name, resource]);
    });

    expect(wide).toEqual([
      ...functionRoles.flatMap((role) =>
        role === recover
          ? [
              [role, '*'],
              [role, executions],
            ]
          : [[role, '*']],
      ),
      ['TransferWorkflowRole', '*'],
    ]);
    const knowNone = /^(dynamodb:ListStreams$|logs:|xray:)/;
    expect(
      roles.flatMap(
        (role) => accessOf(role)['*']?.filter((action) => !knowNone.test(action)) ?? [],
      ),
    ).toEqual([]);
    expect(JSON.stringify(roles.map((role) => Object.values(accessOf(role))))).not.toContain('*');
  });

  it('let no function change or delete what was appended, recorded or queued', () => {
    const kept = [events, commands, queue];
    const changing = roles.flatMap((role) =>
      Object.entries(accessOf(role)).flatMap(([resource, actions]) =>
        kept.includes(resource)
          ? actions.filter((action) => /Update|Delete|BatchWrite/.test(action))
          : [],
      ),
    );

    expect(changing).toEqual([]);
  });
});

const StringOrMore = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((value) => [value].flat()),
);

const RoleProperties = z.object({
  Policies: z.array(
    z.object({
      PolicyDocument: z.object({
        Statement: z.array(
          z.strictObject({
            Effect: z.literal('Allow'),
            Action: StringOrMore,
            Resource: StringOrMore,
          }),
        ),
      }),
    }),
  ),
});

/** Actions per resource. */
function accessOf({ properties }: { properties: unknown }): Record<string, string[]> {
  const statements = RoleProperties.parse(properties).Policies.flatMap(
    (policy) => policy.PolicyDocument.Statement,
  );
  const pairs = statements.flatMap(({ Action, Resource }) =>
    Resource.map((resource) => ({ resource, Action })),
  );
  return Object.fromEntries(
    [...Map.groupBy(pairs, ({ resource }) => resource)].map(([resource, found]) => [
      resource,
      found.flatMap(({ Action }) => Action).sort(),
    ]),
  );
}

/** The role of a function or of a state machine. */
function roleOf(name: string) {
  const owner = resources.find(
    (resource) => resource.name === name && /::(Function|StateMachine)$/.test(resource.type),
  );
  const arn = owner?.properties['Role'] ?? owner?.properties['RoleArn'];
  const role = roles.find((candidate) => `${candidate.name}.Arn` === arn);
  if (!role) throw new Error(`${name} has no role`);
  return role;
}
