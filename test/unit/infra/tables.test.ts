import { describe, expect, it } from 'vitest';
import type { StageSettings } from '../../../infra/stages.ts';
import { synthesized } from './synthesized.ts';

const tablesOf = (stage: 'dev' | 'prod', settings: Partial<StageSettings> = {}) =>
  synthesized(stage, settings).filter(
    ({ type }) => type.startsWith('AWS::DynamoDB::') && type.endsWith('Table'),
  );

const dev = tablesOf('dev');
const prod = tablesOf('prod');

const key = (partition: string, ...sort: string[]) => [
  { AttributeName: partition, KeyType: 'HASH' },
  ...sort.map((AttributeName) => ({ AttributeName, KeyType: 'RANGE' })),
];
const index = (IndexName: string, partition: string, sort: string) => ({
  IndexName,
  KeySchema: key(partition, sort),
  Projection: { ProjectionType: 'KEYS_ONLY' },
});

describe('the tables', () => {
  it('are the events, the commands, the queue and the views, with their keys and indexes', () => {
    const found = dev.map(({ name, properties }) => ({
      name,
      key: properties['KeySchema'],
      indexes: properties['GlobalSecondaryIndexes'],
    }));

    expect(found).toEqual([
      { name: 'holdfast-dev-events', key: key('streamId', 'version'), indexes: undefined },
      { name: 'holdfast-dev-commands', key: key('key'), indexes: undefined },
      { name: 'holdfast-dev-queue', key: key('accountId', 'place'), indexes: undefined },
      {
        name: 'holdfast-dev-views',
        key: key('pk', 'sk'),
        indexes: [
          index('accountsByOwner', 'ownerShard', 'ownerPlace'),
          index('openTransfers', 'openShard', 'openSince'),
        ],
      },
    ]);
  });

  it('have text for keys, and a number for the version alone', () => {
    const attributes = dev.flatMap(({ properties }) => properties['AttributeDefinitions']);

    expect(attributes).toContainEqual({ AttributeName: 'version', AttributeType: 'N' });
    expect(JSON.stringify(attributes).match(/"AttributeType":"[^S]"/g)).toEqual([
      '"AttributeType":"N"',
    ]);
  });

  it.each([...dev, ...prod])(
    '$name is paid by request and can be put back to any second of the last weeks',
    (table) => {
      expect(table.properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
    },
  );

  it('stream the new image of every event and every place in the queue, and no more', () => {
    const streams = dev.map(({ name, properties }) => [name, properties['StreamSpecification']]);

    expect(Object.fromEntries(streams)).toEqual({
      'holdfast-dev-events': { StreamViewType: 'NEW_IMAGE' },
      'holdfast-dev-commands': undefined,
      'holdfast-dev-queue': { StreamViewType: 'NEW_IMAGE' },
      'holdfast-dev-views': undefined,
    });
  });

  it('keep everything, apart from the queue, whose places go when their time is over', () => {
    const expiring = dev.map(({ name, properties }) => [
      name,
      properties['TimeToLiveSpecification'],
    ]);

    expect(Object.fromEntries(expiring)).toEqual({
      'holdfast-dev-events': undefined,
      'holdfast-dev-commands': undefined,
      'holdfast-dev-queue': { AttributeName: 'expiresAt', Enabled: true },
      'holdfast-dev-views': undefined,
    });
  });

  it.each(prod)(
    '$name refuses to be deleted, and stays when the stack goes',
    ({ properties, deletionPolicy }) => {
      expect(properties['DeletionProtectionEnabled']).toBe(true);
      expect(deletionPolicy).toBe('RetainExceptOnCreate');
    },
  );

  it('are warm where a stage says so, indexes and all', () => {
    const warm = tablesOf('dev', { warmThroughput: { views: { read: 20_000, write: 8_000 } } });
    const WarmThroughput = { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 8_000 };

    expect(warm.filter(({ properties }) => 'WarmThroughput' in properties)).toMatchObject([
      {
        name: 'holdfast-dev-views',
        properties: { WarmThroughput, GlobalSecondaryIndexes: Array(2).fill({ WarmThroughput }) },
      },
    ]);
    expect(JSON.stringify(dev)).not.toContain('WarmThroughput');
  });

  it.each(dev)(
    '$name goes with its stack, since dev is made to be thrown away',
    ({ properties, deletionPolicy }) => {
      expect(properties['DeletionProtectionEnabled']).toBe(false);
      expect(deletionPolicy).toBe('Delete');
    },
  );
});

describe('the policies of the tables', () => {
  const arn = (stage: string, name: string) =>
    `arn:AWS::Partition:dynamodb:AWS::Region:AWS::AccountId:table/holdfast-${stage}-${name}`;
  const role = (functionName: string) =>
    `arn:AWS::Partition:iam::AWS::AccountId:role/${functionName}-AWS::Region`;
  const appending = [
    ...['open-account', 'deposit', 'withdraw', 'request-transfer', 'get-command'].flatMap(
      (name) => [name, `instances-${name}`],
    ),
    ...['amend-account', 'freeze-account', 'unfreeze-account', 'close-account'],
    ...['capture-transfer', 'void-transfer', 'reverse-transfer', 'create-posting', 'bulk'],
    'expire-holds',
    'decide-pending',
    'carry-out-transfers',
    'credit-transfer',
    'settle-transfer',
    'release-transfer',
  ];

  it.each([
    ['dev', dev],
    ['prod', prod],
  ])(
    'in %s let nobody change the events or the records, and only who appends add one',
    (stage, tables) => {
      const policies = new Map(
        tables.map(({ name, properties }) => [name, properties['ResourcePolicy']]),
      );
      for (const name of ['events', 'commands']) {
        const common = {
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Resource: arn(stage, name),
        };
        // What has no key has no record.
        const without = name === 'commands' ? ['amend-account', 'expire-holds'] : [];
        const names = appending
          .filter((it) => !without.includes(it))
          .map((it) => role(`holdfast-${stage}-${it}`));
        expect(policies.get(`holdfast-${stage}-${name}`)).toEqual({
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                ...common,
                Sid: 'NobodyChangesAnItem',
                Action: [
                  'dynamodb:UpdateItem',
                  'dynamodb:DeleteItem',
                  'dynamodb:BatchWriteItem',
                  'dynamodb:PartiQLInsert',
                  'dynamodb:PartiQLUpdate',
                  'dynamodb:PartiQLDelete',
                ],
              },
              {
                ...common,
                Sid: 'OnlyWhoAppendsPutsAnItem',
                Action: 'dynamodb:PutItem',
                Condition: {
                  ArnNotEquals: {
                    'aws:PrincipalArn': expect.toSatisfy(
                      (found: string[]) =>
                        JSON.stringify(found.toSorted()) === JSON.stringify(names.toSorted()),
                    ),
                  },
                },
              },
            ],
          },
        });
      }
      // Places in the queue expire, and rows of the views are made again.
      for (const name of ['queue', 'views'])
        expect(policies.get(`holdfast-${stage}-${name}`)).toBeUndefined();
    },
  );

  it('fit: DynamoDB takes 20 KB', () => {
    for (const { properties } of prod)
      expect(JSON.stringify(properties['ResourcePolicy'] ?? '').length).toBeLessThan(15_000);
  });

  it('name the roles that the functions have', () => {
    const names = synthesized('prod')
      .filter(({ type }) => type === 'AWS::IAM::Role')
      .map(({ properties }) => properties['RoleName']);
    for (const name of appending.filter((it) => !it.startsWith('instances-')))
      expect(names).toContain(`holdfast-prod-${name}-AWS::Region`);
    // The longest region's name stands where the template has a reference.
    const longest = names.map((name) =>
      String(name).replace('AWS::Region', 'ap-southeast-99').replace('prod-', 'prod-instances-'),
    );
    expect(Math.max(...longest.map(({ length }) => length))).toBeLessThanOrEqual(64);
  });
});
