import type { AccountId } from '../../../events/values.ts';
import { type Patience, pause, untilAnswered } from '../../runtime/patience.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import { type EventsTable, loadTail } from '../stream/read.ts';
import { follow, type Tail } from '../stream/tail.ts';
import { writeUntilKnown } from '../writing/until-known.ts';
import { MAX_TRANSACTION_ITEMS, type WriteTables } from '../writing/write.ts';
import type { CommandRecord } from './command-record.ts';
import type { CommandResult, Undecided } from './command-result.ts';
import { type Asked, planFor } from './plan.ts';

/** What deciding commands together takes. */
export interface TogetherDependencies extends EventsTable, WriteTables, Patience {
  readonly newId: () => string;
}

/** The most commands that become one commit: a transaction has room for it and a record of each. */
const MOST_TOGETHER = MAX_TRANSACTION_ITEMS - 1;

/** What became of one of the commands. */
export type Fate =
  | { readonly kind: 'decided'; readonly result: CommandResult }
  /**
   * The condition on its record did not hold, so it was left alone. `record` stands under its key, if anything does;
   * `uncertain`: an earlier try of ours may have written it.
   */
  | { readonly kind: 'refused'; readonly record: CommandRecord | undefined; readonly uncertain: boolean }
  /** Even alone its commit would near DynamoDB's limit for an item. Nothing was written for it. */
  | { readonly kind: 'too_large' }
  /** The time was up. Whether it was written is known, and it was not, unless the reason says otherwise. */
  | { readonly kind: 'undecided'; readonly reason: Undecided };

/** After this many lost races in a row, wait a little and read afresh instead of chasing the stream's writers. */
const LOSSES_BEFORE_BACKOFF = 3;

/**
 * Decides commands of one account, in order, on one state: as many as a transaction holds become one commit and their
 * records, written together.
 * @param asked the commands, with at most one key each.
 * @param options.waiting whether their records are there and pending, and must still be when they are decided; else their keys
 * must be free.
 * @param options.tail the stream as it was a moment ago, where that is known: it saves reading it, if nothing has been appended
 * since. What needs no commit is decided on a tail that was just read all the same.
 * @param options.deadline in milliseconds since 1970.
 * @returns what became of each of them.
 * @throws {Error} where the stream cannot be read, or DynamoDB refuses a request itself.
 */
export const decideTogether = async (
  dependencies: TogetherDependencies,
  accountId: AccountId,
  asked: readonly Asked[],
  options: TogetherOptions,
): Promise<ReadonlyMap<Asked, Fate>> => {
  const fates = new Map<Asked, Fate>();
  try {
    await decideAll(dependencies, accountId, asked, options, fates);
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
    for (const command of asked) {
      if (!fates.has(command)) fates.set(command, { kind: 'undecided', reason: error.reason });
    }
  }
  return fates;
};

interface TogetherOptions {
  readonly waiting: boolean;
  readonly tail?: Tail | undefined;
  readonly deadline: number;
}

const decideAll = async (
  dependencies: TogetherDependencies,
  accountId: AccountId,
  asked: readonly Asked[],
  { waiting, tail: known, deadline }: TogetherOptions,
  fates: Map<Asked, Fate>,
): Promise<void> => {
  const load = () => untilAnswered(dependencies, deadline, () => loadTail(dependencies, accountId));
  const left = () => asked.filter((command) => !fates.has(command));
  let most = MOST_TOGETHER;
  let tail = known ?? (await load());
  // Whether the tail was current at a moment when all of these commands were there.
  let fresh = known === undefined;
  let losses = 0;
  while (fates.size < asked.length) {
    const batch = nextBatch(left(), most);
    const [first] = batch;
    // A command that is decided alone has its own name on the commit, as if nobody had collected it.
    const commandId = first && batch.length === 1 ? first.origin.commandId : dependencies.newId();
    const plan = planFor(tail, batch, commandId, dependencies.clock());
    if (!fresh && (plan === 'too_large' || !plan.commit)) {
      tail = await load();
      fresh = true;
      continue;
    }
    if (plan === 'too_large') {
      if (first && batch.length === 1) fates.set(first, { kind: 'too_large' });
      most = Math.max(1, Math.floor(batch.length / 2));
      continue;
    }

    const written = plan.write && (await writeUntilKnown(dependencies, deadline, { ...plan.write, pending: waiting }));
    const result = written?.result ?? { kind: 'landed' };
    // Several have an id that nobody else knows on their commit: it is there, so an earlier try of ours landed.
    const isOurs = result.kind === 'refused' && result.winner?.commandId === commandId;
    if (result.kind === 'landed' || (isOurs && (batch.length > 1 || result.refused.size === 0))) {
      for (const [index, command] of batch.entries()) {
        const decided = plan.results[index];
        if (decided) fates.set(command, { kind: 'decided', result: decided });
      }
      if (plan.commit) tail = follow(tail, plan.commit);
      fresh = true;
      losses = 0;
      continue;
    }
    if (result.kind !== 'refused') {
      const reason = result.kind === 'conflict' ? 'contention' : result.kind;
      for (const command of left()) fates.set(command, { kind: 'undecided', reason });
      return;
    }

    for (const command of batch) {
      const commandId = command.keys[0]?.commandId;
      if (commandId === undefined || !result.refused.has(commandId)) continue;
      const record = result.records.find((found) => found.commandId === commandId);
      fates.set(command, { kind: 'refused', record, uncertain: written?.uncertain ?? false });
    }
    if (!result.winner) continue;
    if (!fresh) {
      // The winner may be one of many: the known tail was older than was thought.
      tail = await load();
      fresh = true;
      continue;
    }
    tail = follow(tail, result.winner);
    losses += 1;
    if (losses % LOSSES_BEFORE_BACKOFF > 0) continue;
    if (!(await pause(dependencies, deadline, losses / LOSSES_BEFORE_BACKOFF))) {
      for (const command of left()) fates.set(command, { kind: 'undecided', reason: 'contention' });
      return;
    }
    tail = await load();
  }
};

/** The first of the commands, as many as are wanted, but no key twice: a transaction writes an item once. */
const nextBatch = (commands: readonly Asked[], most: number): readonly Asked[] => {
  const keys = new Set<string>();
  const batch: Asked[] = [];
  for (const command of commands) {
    const key = command.keys[0]?.commandId;
    if (batch.length === most || (key !== undefined && keys.has(key))) break;
    if (key !== undefined) keys.add(key);
    batch.push(command);
  }
  return batch;
};
