import { DeleteTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { onTestFinished, TestRunner } from 'vitest';
import type { LedgerDatabase } from '../../testing/ledger-database.ts';

type Config = LedgerDatabase['config'];

/** The drops that wait for the end of the file. */
const left: (() => Promise<void>)[] = [];

/**
 * Has tables dropped when the test that calls this has ended; outside a test, when its file has.
 * DynamoDB Local reads the description of every table it has several times a second, for as long as
 * it runs, and a run of the tests makes a thousand of them.
 * @param tables the tables' names; absent: all of the database.
 */
export const dropTables = (config: Config, tables?: readonly string[]): void => {
  const drop = () => dropNow(config, tables);
  if (tables && TestRunner.getCurrentTest()) onTestFinished(drop);
  else left.push(drop);
};

/** Drops the tables that wait for the end of the file. */
export const dropTheRest = async (): Promise<void> => {
  await Promise.all(left.splice(0).map((drop) => drop()));
};

const dropNow = async (config: Config, tables?: readonly string[]): Promise<void> => {
  const client = new DynamoDBClient(config);
  try {
    const all = tables ?? (await client.send(new ListTablesCommand({}))).TableNames ?? [];
    for (const TableName of all) await client.send(new DeleteTableCommand({ TableName }));
  } finally {
    client.destroy();
  }
};
