import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { AccountEvent } from '../../events/event.ts';
import { AccountId, Amount, Currency, Limit, TransferId, Version } from '../../events/values.ts';
import { emptyTail, type Tail } from '../../functions/store/stream/tail.ts';
import { plantedCommit } from '../../testing/planted-commit.ts';
import { caller, currency } from './ledger-requests.ts';
import { OPENING_BALANCE } from './workload.ts';

/**
 * Opens accounts as the store would, in one commit each, many at a time.
 * @param balance what each of them holds then, in minor units.
 */
export const plantAccounts = (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accountIds: readonly string[],
  balance: number,
): Promise<void> => writeAll(client, eventsTable, openings(accountIds, balance));

function* openings(accountIds: readonly string[], balance: number): Generator<Item> {
  for (const id of accountIds) {
    yield commitAfter(emptyTail(AccountId.parse(id)), [opened, deposited(balance)]).item;
  }
}

/**
 * Writes the stream of an account that was opened, got its opening balance and then saw deposits of
 * 1, one commit each, as the store would.
 * @param events how many events it has then.
 * @returns its tail.
 */
export const plantHistory = async (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accountId: string,
  events: number,
): Promise<Tail> => {
  let tail = emptyTail(AccountId.parse(accountId));
  function* history(): Generator<Item> {
    while (tail.version < events) {
      const next = nextOf(tail);
      tail = next.tail;
      yield next.item;
    }
  }
  await writeAll(client, eventsTable, history());
  return tail;
};

/**
 * Writes streams of several accounts that were opened, got their opening balance and then each made
 * transfers of 1 the short way, one commit each, in the order of their versions: an event of each
 * account, then the next of each. Every one of these transfers makes a row of the views.
 * @param events how many events each of them has then.
 */
export const plantInOrder = (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accountIds: readonly string[],
  events: number,
): Promise<void> => {
  function* inOrder(): Generator<Item> {
    let tails = accountIds.map((id) => emptyTail(AccountId.parse(id)));
    for (let version = 1; version <= events; version += 1) {
      const next = tails.map((tail) =>
        version > 2 ? commitAfter(tail, [sent(tail)]) : nextOf(tail),
      );
      yield* next.map(({ item }) => item);
      tails = next.map(({ tail }) => tail);
    }
  }
  return writeAll(client, eventsTable, inOrder(), 1);
};

/**
 * Writes streams of several accounts as ordinary traffic leaves them, one commit for each event, as the
 * store would: deposits of 1, and transfers of 1 that went the short way.
 * @param events how many events each of them has then.
 * @param perTransfer every so many events one is a transfer.
 */
export const plantTraffic = (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accountIds: readonly string[],
  events: number,
  perTransfer: number,
): Promise<void> => {
  function* traffic(): Generator<Item> {
    for (const id of accountIds) {
      let tail = emptyTail(AccountId.parse(id));
      while (tail.version < events) {
        const isTransfer = tail.version > 1 && tail.version % perTransfer === 0;
        const next = isTransfer ? commitAfter(tail, [sent(tail)]) : nextOf(tail);
        tail = next.tail;
        yield next.item;
      }
    }
  }
  return writeAll(client, eventsTable, traffic());
};

const nextOf = (tail: Tail) => {
  const deposit = deposited(tail.version === 1 ? OPENING_BALANCE : 1);
  return commitAfter(tail, [tail.version === 0 ? opened : deposit]);
};

type Item = Record<string, unknown>;

/**
 * Writes items, 25 at a time, which is the most that a request takes.
 * @param atOnce how many requests are under way at once. With more than one the items may come out
 *   of their order.
 * @throws what the client throws.
 */
export const writeAll = async (
  client: DynamoDBDocumentClient,
  table: string,
  items: Iterable<Item>,
  atOnce = 4,
): Promise<void> => {
  const source = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let batch = take(source, 25); batch.length > 0; batch = take(source, 25)) {
      await client.send(
        new BatchWriteCommand({
          RequestItems: { [table]: batch.map((Item) => ({ PutRequest: { Item } })) },
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
};

const take = (source: Iterator<Item>, most: number): Item[] => {
  const taken: Item[] = [];
  while (taken.length < most) {
    const { done, value } = source.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
};

const commitAfter = (tail: Tail, events: readonly AccountEvent[]) => {
  const commandId = `planted-${tail.version + 1}`;
  const next = plantedCommit(tail, commandId, [{ commandId, events }], PLANTED_AT + tail.version);
  if (next === 'too_large') throw new Error('a planted commit is too large');
  return next;
};

/** In milliseconds since 1970: long before anything that is measured. */
const PLANTED_AT = 1_700_000_000_000;

const opened: AccountEvent = {
  type: 'AccountOpened',
  v: 2,
  data: { owner: caller, currency: Currency.parse(currency), overdraftLimit: Limit.parse(0) },
};

const deposited = (amount: number): AccountEvent => ({
  type: 'MoneyDeposited',
  v: 1,
  data: { amount: Amount.parse(amount) },
});

/** A transfer that went the short way to an account that is not there: nobody reads it. */
const sent = ({ streamId, version }: Tail): AccountEvent => ({
  type: 'MoneyWithdrawn',
  v: 1,
  data: {
    amount: Amount.parse(1),
    currency: Currency.parse(currency),
    transferId: TransferId.parse(`planted-${streamId}-${version}`),
    counterparty: AccountId.parse('planted-elsewhere'),
    counterpartyVersion: Version.parse(version),
  },
});
