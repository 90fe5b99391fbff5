import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { onTestFinished } from 'vitest';
import type { Patience } from '../../functions/runtime/patience.ts';
import { createStore, type Store } from '../../functions/store/store.ts';
import { itemSize } from '../../functions/store/stream/item-size.ts';
import type { TestDatabase } from './tables.ts';

/** One request to DynamoDB and what it consumed. */
interface MeteredRequest {
  /** `Query`, `PutItem`, `TransactWriteItems` … */
  readonly operation: string;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** What a test does with a request: let it through with `send`, and answer or fail as it likes. */
export type Fault = (
  operation: string,
  send: () => Promise<unknown>,
  input: object,
) => Promise<unknown>;

/** A store whose requests are counted and can be made to fail. */
export interface MeteredStore {
  readonly store: Store;
  readonly client: DynamoDBDocumentClient;
  /** The requests since the last call of this function. */
  readonly requests: () => MeteredRequest[];
  /** Until the test ends every request goes through this; `undefined`: no more faults. */
  readonly inject: (fault: Fault | undefined) => void;
}

/**
 * A store on a test database, as the Lambdas have it.
 * @param options `clock` and `budget` in milliseconds; the machine's clock, dice and patience, and
 *   8,000, unless given.
 */
export const createMeteredStore = (
  { config, tables }: Pick<TestDatabase, 'config' | 'tables'>,
  options: Partial<Patience> & { readonly budget?: number; readonly queueing?: boolean } = {},
): MeteredStore => {
  let seen: MeteredRequest[] = [];
  let fault: Fault | undefined;
  const base = new DynamoDBClient({ ...config, maxAttempts: 1 });
  const client = DynamoDBDocumentClient.from(base, {
    marshallOptions: { removeUndefinedValues: true },
  });
  base.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context['commandName']).replace('Command', '');
      const input = { ...args.input, ReturnConsumedCapacity: 'TOTAL' };
      const send = async () => {
        const result = await next({ ...args, input });
        seen.push({ operation, ...unitsOf(operation, input, result.output) });
        return result;
      };
      if (!fault) return send();
      let sent: Awaited<ReturnType<typeof next>> | undefined;
      await fault(
        operation,
        async () => {
          sent = await send();
          return sent.output;
        },
        args.input,
      );
      if (!sent) throw new Error('a fault has to send the request or to throw');
      return sent;
    },
    { step: 'initialize', priority: 'low' },
  );
  return {
    store: createStore({
      client,
      eventsTable: tables.events,
      commandsTable: tables.commands,
      queueTable: tables.queue,
      clock: options.clock ?? Date.now,
      newId: randomUUID,
      random: options.random ?? Math.random,
      sleep: options.sleep ?? ((milliseconds) => setTimeout(milliseconds)),
      budget: options.budget ?? 8_000,
      queueing: options.queueing ?? false,
    }),
    client,
    requests: () => {
      const requests = seen;
      seen = [];
      return requests;
    },
    inject: (next) => {
      if (!fault) {
        onTestFinished(() => {
          fault = undefined;
        });
      }
      fault = next;
    },
  };
};

// DynamoDB Local does not count transactions as AWS does: 2 write units per KB of each item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling).
const unitsOf = (operation: string, input: object, output: object) => {
  if (operation === 'TransactWriteItems') {
    const items =
      'TransactItems' in input && Array.isArray(input.TransactItems) ? input.TransactItems : [];
    return {
      readUnits: 0,
      writeUnits: items.reduce(
        (units, { Put }) => units + 2 * Math.ceil(itemSize(Put.Item) / 1024),
        0,
      ),
    };
  }
  const consumed = 'ConsumedCapacity' in output ? output.ConsumedCapacity : undefined;
  const units =
    typeof consumed === 'object' && consumed !== null && 'CapacityUnits' in consumed
      ? Number(consumed.CapacityUnits)
      : 0;
  return operation === 'PutItem'
    ? { readUnits: 0, writeUnits: units }
    : { readUnits: units, writeUnits: 0 };
};
