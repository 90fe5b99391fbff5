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
