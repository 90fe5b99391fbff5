import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../events/values.ts';
import type { PendingCommand } from './command-record.ts';
import { failureOf } from './failure.ts';
import { type Asked, planFor } from './plan.ts';
import { type EventsTable, loadTail } from './read.ts';
import { follow, type Tail } from './tail.ts';
import { StoreUnavailable } from './unavailable.ts';
import { type Patience, pause, untilAnswered, writeUntilKnown } from './until-known.ts';
import { MAX_TRANSACTION_ITEMS, stillPending, type WriteTables } from './write.ts';

/**
 * The tails that this environment's last commits left. They may be behind by now: a commit planned on one is written on the
 * condition that it is not, and what needs no commit is decided on a tail that was just read.
 */
export type LastTails = Map<AccountId, Tail>;

const MOST_TAILS = 100;

/** After this many lost races in a row, wait a little and read afresh instead of chasing the stream's writers. */
const LOSSES_BEFORE_BACKOFF = 3;

/**
 * Decides commands that wait for one account, in order, on one state: as many as a transaction holds become one commit and
 * their outcomes, written together. Each is decided on the condition that it still waits, so whoever else decides some of them
 * at the same time (a repeat, a second delivery) does no harm: only one does.
 *
 * A command whose commit would be too large even alone is given its key back: it is as if it had never been sent.
 * @param dependencies the tables, and all that varies.
 * @param pending commands of that account, in the order in which they were sent. Those that are decided already are left alone.
 * @param deadline in milliseconds since 1970.
 * @throws {StoreUnavailable} where the time is up: what was not decided still waits.
 */
export const decidePending = async (
  dependencies: EventsTable & WriteTables & Patience & { readonly newId: () => string; readonly lastTails: LastTails },
  accountId: AccountId,
  pending: readonly PendingCommand[],
  deadline: number,
): Promise<void> => {
  const load = () => untilAnswered(dependencies, deadline, () => loadTail(dependencies, accountId));
  let waiting = [...new Map(pending.map((command) => [command.commandId, command])).values()];
  let most = MAX_TRANSACTION_ITEMS - 1;
  const { lastTails } = dependencies;
  const remembered = lastTails.get(accountId);
  // Whether the tail was current at a moment when all of these commands waited.
  let fresh = remembered === undefined;
  let tail = remembered ?? (await load());
  for (let losses = 0; waiting.length > 0; ) {
    const batch = waiting.slice(0, most);
    const commandId = dependencies.newId();
    const plan = planFor(tail, batch.map(asked), commandId, dependencies.clock());
    if (!fresh && (plan === 'too_large' || !plan.commit)) {
      tail = await load();
      fresh = true;
      continue;
    }
    if (plan === 'too_large') {
      const [only, ...others] = batch;
      if (only && others.length === 0) {
        await giveBack(dependencies, deadline, only);
        waiting = waiting.slice(1);
      }
      most = Math.max(1, Math.floor(batch.length / 2));
      continue;
    }

    const { result } = await writeUntilKnown(dependencies, deadline, { records: [], ...plan.write, pending: true });
    if (result.kind === 'landed' || (result.kind === 'refused' && result.winner?.commandId === commandId)) {
      waiting = waiting.slice(batch.length);
      if (plan.commit) tail = follow(tail, plan.commit);
      fresh = true;
      losses = 0;
      remember(lastTails, tail);
      continue;
    }
    if (result.kind !== 'refused') {
      throw new StoreUnavailable(result.kind === 'throttled' ? 'throttled' : 'unavailable', result);
    }
    // They no longer wait: somebody else decided them, or gave them their key back.
    waiting = waiting.filter((command) => !result.refused.has(command.commandId));
    if (!result.winner) continue;
    tail = follow(tail, result.winner);
    fresh = true;
    losses += 1;
    if (losses % LOSSES_BEFORE_BACKOFF === 0) {
      if (!(await pause(dependencies, deadline, losses / LOSSES_BEFORE_BACKOFF))) {
        throw new StoreUnavailable('unavailable', 'other writers kept winning');
      }
      tail = await load();
    }
  }
};

const remember = (lastTails: LastTails, tail: Tail): void => {
  lastTails.delete(tail.streamId);
  lastTails.set(tail.streamId, tail);
  const [oldest] = lastTails.keys();
  if (lastTails.size > MOST_TAILS && oldest !== undefined) lastTails.delete(oldest);
};

const asked = ({ streamId, commandId, request, command, actor, correlationId }: PendingCommand): Asked => ({
  command,
  request,
  keys: [{ streamId, commandId }],
  origin: { commandId, actor, correlationId },
});

const giveBack = (
  dependencies: WriteTables & Patience,
  deadline: number,
  { streamId, commandId, request }: PendingCommand,
): Promise<void> =>
  untilAnswered(dependencies, deadline, async () => {
    try {
      await dependencies.client.send(
        new DeleteCommand({
          TableName: dependencies.commandsTable,
          Key: { streamId, commandId },
          ...stillPending({ request }),
        }),
      );
    } catch (error) {
      // It no longer waits: somebody decided it, or gave it back before.
      if (failureOf(error).kind !== 'condition') throw error;
    }
  });
