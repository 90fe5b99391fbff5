import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));

/**
 * The least that a function on DynamoDB can be: the bundles' sizes and start times are compared
 * with it.
 */
export const handler = ({
  table,
  key,
}: {
  readonly table: string;
  readonly key: Record<string, string>;
}) => client.send(new GetCommand({ TableName: table, Key: key }));
