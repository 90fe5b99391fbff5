import * as z from 'zod/mini';
import { UNFINISHED, UNKNOWN } from '../load/drive.ts';
import { OPENING_BALANCE } from '../load/workload.ts';
import type { Audited } from './ledger.ts';
import { hold } from './rule.ts';

/** The events of another event store: see bench/peers. */
export const PeerEvents = z.array(
  z.object({
    accountId: z.string(),
    version: z.int(),
    type: z.enum(['Opened', 'Deposited', 'Withdrawn']),
    amount: z.int(),
    transferId: z.optional(z.string()),
  }),
);
export type PeerEvents = z.infer<typeof PeerEvents>;

/**
 * Checks that versions have no gap, that no account spent more than it had, that each transfer has
 * the events that its caller heard of, each once, and that no money was lost or made: what is in no
 * account was withdrawn for a transfer that the time was too short for, or whose end is not known.
 * @param events of all accounts, in any order.
 * @throws {AuditFailure} naming the first of these that does not hold.
 */
export const holdPeerEvents = (
  events: PeerEvents,
  accounts: readonly string[],
  heard: ReadonlyMap<string, string>,
): Audited => {
  const streams = Map.groupBy(events, ({ accountId }) => accountId);
  hold(streams.size === accounts.length, `${streams.size} streams of ${accounts.length} accounts`);
  let balances = 0;
  for (const [accountId, stream] of streams) balances += balanceOf(accountId, stream);

  const sides = Map.groupBy(events, ({ transferId }) => transferId);
  sides.delete(undefined);
  let onTheWay = 0;
  for (const [id, outcome] of heard) {
    const found = (sides.get(id) ?? []).toSorted((a, b) => a.type.localeCompare(b.type));
    const types = found.map(({ type }) => type).join(' and ') || 'nothing';
    hold((MAY_BE[outcome] ?? ['nothing']).includes(types), `${id} ${outcome}: ${types}`);
    if (types === 'Withdrawn') onTheWay += found[0]?.amount ?? 0;
    sides.delete(id);
  }
  hold(sides.size === 0, `nobody asked for ${[...sides.keys()].join(', ')}`);
  hold(
    balances + onTheWay === accounts.length * OPENING_BALANCE,
    `${balances} in ${accounts.length} accounts, ${onTheWay} on the way`,
  );
  return { streams: streams.size, events: events.length, commands: 0 };
};

const balanceOf = (accountId: string, stream: PeerEvents): number => {
  let balance = 0;
  const inOrder = stream.toSorted((a, b) => a.version - b.version);
  for (const [index, { version, type, amount }] of inOrder.entries()) {
    hold(version === index + 1, `${accountId}/${version} is at place ${index + 1}`);
    balance += type === 'Withdrawn' ? -amount : amount;
    hold(balance >= 0, `${accountId}/${version} spends more than there is`);
  }
  return balance;
};

/** What may be found of a transfer by what its caller heard; of one that was given up: nothing. */
const MAY_BE: Readonly<Record<string, readonly string[]>> = {
  settled: ['Deposited and Withdrawn'],
  [UNFINISHED]: ['nothing', 'Withdrawn'],
  [UNKNOWN]: ['nothing', 'Withdrawn', 'Deposited and Withdrawn'],
};
