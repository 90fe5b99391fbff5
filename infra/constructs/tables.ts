import { ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
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
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { computes, type StageName, type StageSettings, type TableName } from '../stages.ts';
import { definitionOf, functionNames, gainsFromSharing } from './catalogue.ts';
import { functionNameOf, roleNameOf } from './names.ts';
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
      props: Pick<
        TableProps,
        'partitionKey' | 'sortKey' | 'stream' | 'timeToLiveAttribute' | 'resourcePolicy'
      >,
    ) =>
      new Table(this, constructIds[name], {
        tableName: tableNameOf(stage, name),
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
      resourcePolicy: appendOnly(this, stage, 'events'),
    });
    // A partition takes 1,000 write units a second, and a hot account has many commands: each
    // record is a partition of its own.
    this.commands = table('commands', {
      partitionKey: text('key'),
      resourcePolicy: appendOnly(this, stage, 'commands'),
    });
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
    index('accountsByOwner', 'ownerShard', 'ownerPlace');
    index('openTransfers', 'openShard', 'openSince');
    this.all = [
      { name: 'events', table: this.events, indexes: [] },
      { name: 'commands', table: this.commands, indexes: [] },
      { name: 'queue', table: this.queue, indexes: [] },
      { name: 'views', table: this.views, indexes },
    ];
  }
}

/** Where what was written is never changed: the events, and what became of commands. */
type AppendOnlyTable = 'events' | 'commands';

/** By these an item that is there is changed or deleted, or written without a condition. */
const changing = [
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PartiQLDelete',
].map((operation) => `dynamodb:${operation}`);

/**
 * The policy of a table to which items are only added. It says what the roles of the functions say
 * already, and says it to everybody: to roles that somebody adds, to people, to the account's root.
 * Nobody changes an item, and none but the functions that append puts one. What it takes to mend a
 * table by hand is in docs/operations.md.
 *
 * It names tables and roles by their names: a role refers to its tables, so a table that referred
 * to roles would close a circle.
 */
const appendOnly = (scope: Construct, stage: StageName, name: AppendOnlyTable): PolicyDocument => {
  const stack = Stack.of(scope);
  const tableArn = stack.formatArn({
    service: 'dynamodb',
    resource: 'table',
    resourceName: tableNameOf(stage, name),
  });
  const forEverybody = {
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    resources: [tableArn],
  };
  const writers = writersOf(stage, name).map((functionName) =>
    stack.formatArn({
      service: 'iam',
      region: '',
      resource: 'role',
      resourceName: roleNameOf(scope, functionName),
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    }),
  );
  return new PolicyDocument({
    statements: [
      new PolicyStatement({ ...forEverybody, sid: 'NobodyChangesAnItem', actions: changing }),
      new PolicyStatement({
        ...forEverybody,
        sid: 'OnlyWhoAppendsPutsAnItem',
        actions: ['dynamodb:PutItem'],
        conditions: { ArnNotEquals: { 'aws:PrincipalArn': writers } },
      }),
    ],
  });
};

/**
 * The functions that put items into a table, under every name that they may have, and those of
 * every setting: while a stage moves from one setting to another, functions of both are there.
 */
const writersOf = (stage: StageName, table: AppendOnlyTable): readonly string[] =>
  functionNames
    .filter((name) => definitionOf(name).access[table]?.includes('dynamodb:PutItem'))
    .flatMap((name) =>
      computes
        .filter((compute) => compute === 'on-demand' || gainsFromSharing(name))
        .map((compute) => functionNameOf(stage, name, compute)),
    );

const tableNameOf = (stage: StageName, name: TableName): string => `holdfast-${stage}-${name}`;

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
