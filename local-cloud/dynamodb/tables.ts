import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { PropertiesOf } from '../template/rules.ts';

/** A table of the template. */
export interface TableToCreate {
  readonly logicalId: string;
  readonly name: string;
  /** Resolved. */
  readonly properties: PropertiesOf<'AWS::DynamoDB::Table'>;
}

/**
 * A table as DynamoDB Local has it: the account and region in its ARNs are DynamoDB Local's own.
 */
export interface CreatedTable {
  readonly tableName: string;
  readonly tableArn: string;
  /** Absent: it has no stream. */
  readonly streamArn?: string;
}

/**
 * Makes the tables of a template that are not there yet.
 *
 * It makes those with a stream first: a table with a stream that DynamoDB Local makes when there
 * are many stream records pays for all of them with every write.
 * @returns by logical id.
 * @throws Error when a table is there and differs from the template. CloudFormation would change or
 *   replace it; here the user decides about the data.
 */
export const createTables = async (
  client: DynamoDBClient,
  tables: readonly TableToCreate[],
): Promise<Map<string, CreatedTable>> => {
  const created = new Map<string, CreatedTable>();
  for (const table of tables.toSorted(streamsFirst))
    created.set(table.logicalId, await createTable(client, table));
  return created;
};

const streamsFirst = (one: TableToCreate, other: TableToCreate): number =>
  Number(other.properties.StreamSpecification !== undefined) -
  Number(one.properties.StreamSpecification !== undefined);

const createTable = async (
  client: DynamoDBClient,
  { name, properties }: TableToCreate,
): Promise<CreatedTable> => {
  const wanted = toCreateTable(name, properties);
  let table = await describe(client, name);
  if (table === undefined)
    table = (await client.send(new CreateTableCommand(wanted))).TableDescription;
  else refuseOther(name, wanted, table);
  if (table?.TableArn === undefined)
    throw new Error(`DynamoDB did not say what it made of the table ${name}`);
  await setTimeToLive(client, name, properties);
  return {
    tableName: name,
    tableArn: table.TableArn,
    ...(table.LatestStreamArn !== undefined && { streamArn: table.LatestStreamArn }),
  };
};

const describe = async (
  client: DynamoDBClient,
  name: string,
): Promise<TableDescription | undefined> => {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
};

const toCreateTable = (
  name: string,
  {
    AttributeDefinitions,
    KeySchema,
    BillingMode,
    GlobalSecondaryIndexes,
    StreamSpecification,
  }: Properties,
): CreateTableCommandInput => ({
  TableName: name,
  AttributeDefinitions,
  KeySchema,
  BillingMode,
  GlobalSecondaryIndexes,
  // In a template, the view type switches the stream on.
  ...(StreamSpecification && {
    StreamSpecification: { StreamEnabled: true, ...StreamSpecification },
  }),
});

type Properties = TableToCreate['properties'];

/**
 * Sets a table's time to live, also on one that was there: the process that made it may have ended
 * before that.
 */
const setTimeToLive = async (
  client: DynamoDBClient,
  name: string,
  { TimeToLiveSpecification: wanted }: Properties,
): Promise<void> => {
  const { TimeToLiveDescription: found } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: name }),
  );
  const there = found?.TimeToLiveStatus === 'ENABLED' ? found.AttributeName : undefined;
  if (there === wanted?.AttributeName) return;
  if (there !== undefined)
    throw otherThanWanted(name, 'time to live', there, wanted?.AttributeName ?? 'none');
  await client.send(
    new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: wanted }),
  );
};

const refuseOther = (
  name: string,
  wanted: CreateTableCommandInput,
  found: TableDescription,
): void => {
  const [asked, there] = [shapeOf(wanted), shapeOf(found)];
  for (const [aspect, value] of Object.entries(asked)) {
    if (JSON.stringify(value) === JSON.stringify(there[aspect])) continue;
    throw otherThanWanted(name, aspect, there[aspect], value);
  }
};

const otherThanWanted = (name: string, aspect: string, there: unknown, wanted: unknown): Error =>
  new Error(
    `The table ${name} is there already, and its ${aspect} is ${JSON.stringify(there)} where the template has ` +
      `${JSON.stringify(wanted)}. Start with another --data directory, or delete this one.`,
  );

/** The properties of a table that have to match its template, in an order of their own. */
const shapeOf = (
  table: CreateTableCommandInput | TableDescription,
): Readonly<Record<string, unknown>> => ({
  key: table.KeySchema?.map(keyPart),
  'attribute types': table.AttributeDefinitions?.map(
    (it) => `${it.AttributeName} ${it.AttributeType}`,
  ).toSorted(),
  indexes: (table.GlobalSecondaryIndexes ?? [])
    .map(({ IndexName, KeySchema, Projection }) => ({
      name: IndexName,
      key: KeySchema?.map(keyPart),
      projects: Projection?.ProjectionType,
      attributes: Projection?.NonKeyAttributes?.toSorted() ?? [],
    }))
    .toSorted((one, other) => String(one.name).localeCompare(String(other.name))),
  stream: table.StreamSpecification?.StreamEnabled
    ? table.StreamSpecification.StreamViewType
    : 'none',
});

const keyPart = ({
  AttributeName,
  KeyType,
}: {
  AttributeName?: string | undefined;
  KeyType?: string | undefined;
}) => `${AttributeName} ${KeyType}`;
