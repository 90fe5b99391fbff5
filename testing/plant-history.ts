import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { AccountEvent } from '../events/event.ts';
import { AccountId, Amount, Caller, Currency, Limit } from '../events/values.ts';
import { emptyTail, type Tail } from '../functions/store/stream/tail.ts';
import { plantedCommit } from './planted-commit.ts';

/**
 * Writes a stream of one-event commits as the store would have, many at a time.
 * @param events what happened, in order; the first opens the account.
 * @returns the stream's tail.
 */
export const plantHistory = async (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accountId: string,
  events: Iterable<AccountEvent>,
): Promise<Tail> => {
  let tail = emptyTail(AccountId.parse(accountId));
  let items: Record<string, unknown>[] = [];
  const flush = async () => {
    if (items.length === 0) return;
    const RequestItems = { [eventsTable]: items.map((Item) => ({ PutRequest: { Item } })) };
    await client.send(new BatchWriteCommand({ RequestItems }));
    items = [];
  };
  for (const event of events) {
    const id = `planted-${tail.version + 1}`;
    const next = plantedCommit(
      tail,
      id,
      [{ commandId: id, events: [event] }],
      1_700_000_000_000 + tail.version,
    );
    if (next === 'too_large') throw new Error('a planted commit is too large');
    items.push(next.item);
    if (items.length === 25) await flush();
    tail = next.tail;
  }
  await flush();
  return tail;
};

/**
 * An account that was opened and then saw `deposits` deposits of 1, each with the same `reference`,
 * if any.
 */
export function* depositsOfOne(deposits: number, reference?: string): Generator<AccountEvent> {
  yield opened;
  const data = { amount: Amount.parse(1), ...(reference === undefined ? {} : { reference }) };
  for (let n = 0; n < deposits; n += 1) yield { type: 'MoneyDeposited', v: 1, data };
}

const opened: AccountEvent = {
  type: 'AccountOpened',
  v: 2,
  data: {
    owner: Caller.parse('alice'),
    currency: Currency.parse('EUR'),
    overdraftLimit: Limit.parse(0),
  },
};
