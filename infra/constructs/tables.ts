import type { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type Attribute,
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageName, StageSettings, TableName } from '../stages.ts';
import { removalPolicyOf } from './removal-policy.ts';

/**
 * The four tables: the events, the commands' records, the queue of pending commands, and the views
 * made from the events.
 *
 * `Table`, not `TableV2`: a `TableV2` (a global table) only adds replicas in other regions, and the
 * ledger cannot have them. Between replicas the last writer wins, so two regions could both append
 * a version; replicas with strong consistency know no transactions. And cdk-nag checks
 * point-in-time recovery for `Table` alone.
 *
 * Their names are fixed: a change that would replace a table collides with the old one and stops
 * before data is lost.
 */
export class Tables extends Construct {
  readonly events: Table;
  readonly commands: Table;
  readonly queue: Table;
  readonly views: Table;
  /** All of them, with the names of their indexes. */
  readonly all: readonly {
    readonly name: TableName;
    readonly table: Table;
    readonly indexes: readonly string[];
  }[];

  constructor(
    scope: Construct,
    id: string,
    { stage, settings, key }: { stage: StageName; settings: StageSettings; key: IKey | undefined },
  ) {
    super(scope, id);
    const table = (
      name: TableName,
      props: Pick<TableProps, 'partitionKey' | 'sortKey' | 'stream' | 'timeToLiveAttribute'>,
    ) =>
      new Table(this, constructIds[name], {
        tableName: `holdfast-${stage}-${name}`,
        billingMode: BillingMode.PAY_PER_REQUEST,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: settings.protectData,
        removalPolicy: removalPolicyOf(settings),
        ...(key && { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }),
        ...warmThroughputOf(name, settings),
        ...props,
      });

    this.events = table('events', {
      partitionKey: text('streamId'),
      sortKey: { name: 'version', type: AttributeType.NUMBER },
      stream: StreamViewType.NEW_IMAGE,
    });
    // A partition takes 1,000 write units a second, and a hot account has many commands: each
    // record is a partition of its own.
    this.commands = table('commands', { partitionKey: text('key') });
    // An item is a command that was pending once. Only the stream reads it, so it may go when the
    // stream has forgotten it too.
    this.queue = table('queue', {
      partitionKey: text('accountId'),
      sortKey: text('place'),
      stream: StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: 'expiresAt',
    });
    this.views = table('views', { partitionKey: text('pk'), sortKey: text('sk') });

    const indexes: string[] = [];
    const index = (indexName: string, partitionKey: string, sortKey: string) => {
      indexes.push(indexName);
      this.views.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(partitionKey),
        sortKey: text(sortKey),
        // What is found is read from the table: an index is written to whenever what it holds
        // changes.
        projectionType: ProjectionType.KEYS_ONLY,
        // An index that is full refuses the writes of its table.
        ...warmThroughputOf('views', settings),
      });
    };
    index('accountsByOwner', 'owner', 'openedAt');
    index('openTransfers', 'openShard', 'openSince');
    this.all = [
      { name: 'events', table: this.events, indexes: [] },
      { name: 'commands', table: this.commands, indexes: [] },
      { name: 'queue', table: this.queue, indexes: [] },
      { name: 'views', table: this.views, indexes },
    ];
  }
}

const constructIds: Readonly<Record<TableName, string>> = {
  events: 'Events',
  commands: 'Commands',
  queue: 'Queue',
  views: 'Views',
};

const warmThroughputOf = (
  name: TableName,
  { warmThroughput: { [name]: warm } }: StageSettings,
): Pick<TableProps, 'warmThroughput'> =>
  warm
    ? { warmThroughput: { readUnitsPerSecond: warm.read, writeUnitsPerSecond: warm.write } }
    : {};

/**
 * How often a table, and each of its indexes, throttled a read or a write. An index that does so
 * holds up its table.
 */
export const throttlesOf = (
  table: Table,
  indexes: readonly string[],
  period: Duration,
): readonly IMetric[] =>
  [undefined, ...indexes].flatMap((index) =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map((metricName) =>
      table.metric(metricName, {
        statistic: 'Sum',
        period,
        dimensionsMap: {
          TableName: table.tableName,
          ...(index && { GlobalSecondaryIndexName: index }),
        },
      }),
    ),
  );

/**
 * The ARN of a table's stream.
 * @throws where the table has none.
 */
export const streamArnOf = ({ tableStreamArn, node }: Table): string => {
  if (tableStreamArn === undefined) throw new Error(`${node.path} has no stream.`);
  return tableStreamArn;
};

const text = (name: string): Attribute => ({ name, type: AttributeType.STRING });
