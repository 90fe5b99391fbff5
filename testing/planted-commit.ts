import type { AccountEvent } from '../events/event.ts';
import { Caller } from '../events/values.ts';
import { type Account, evolve } from '../functions/ledger/account.ts';
import { type NextCommit, nextCommit, timeOfNext } from '../functions/store/stream/append.ts';
import { record } from '../functions/store/stream/commit.ts';
import type { Tail } from '../functions/store/stream/tail.ts';

/** A command of a planted commit: its id, and the events that follow from it. */
export interface PlantedCommand {
  readonly commandId: string;
  readonly events: readonly AccountEvent[];
}

/**
 * Makes a commit that appends events to a stream without deciding a command: history for tests and
 * benchmarks.
 * @param writeId of the commit; unique in the stream.
 * @param now in milliseconds since 1970.
 * @returns as `nextCommit` does.
 */
export const plantedCommit = (
  tail: Tail,
  writeId: string,
  commands: readonly PlantedCommand[],
  now: number,
): NextCommit | 'too_large' => {
  const at = timeOfNext([tail], now);
  let { version, account } = tail;
  const recorded = commands.map(({ commandId, events }) => {
    const origin = { commandId, actor: Caller.parse('alice'), correlationId: 'planted' };
    const placed = record(events, Array(events.length).fill(origin), version + 1, at);
    account = placed.reduce<Account | undefined>(evolve, account);
    version += events.length;
    return { origin, events: placed };
  });
  if (!account) throw new Error('a planted history opens its account first');
  return nextCommit(tail, writeId, { commands: recorded, account, at });
};
