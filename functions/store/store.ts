import type { AccountId, Timestamp, Version } from '../../events/values.ts';
import type { CommandRequest, CommandResult } from './command-result.ts';
import type { Commit } from './commit.ts';
import { type ExecuteDependencies, execute, patiently } from './execute.ts';
import { loadTail, readHistory, tailAsOf } from './read.ts';
import type { Tail } from './tail.ts';

/** The event store: every account's stream, and the commands that change it. */
export interface Store {
  /**
   * Reads an account as it stands, strongly consistent.
   * @returns its stream's tail; version 0 where there is no such account.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  load(accountId: AccountId): Promise<Tail>;
  /**
   * Reads an account as it was.
   * @returns its stream's tail at that moment: version 0 where that was before it was opened; as it stands where the
   * moment lies ahead.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  asOf(accountId: AccountId, moment: { readonly version: Version } | { readonly at: Timestamp }): Promise<Tail>;
  /**
   * Reads an account's commits, oldest first.
   * @param range versions, both included; the commit that holds `from` is the first. Without it: all of them.
   */
  history(accountId: AccountId, range?: { readonly from?: number; readonly to?: number }): AsyncIterable<Commit>;
  /** Decides a command once and appends what follows: see {@link execute}. */
  execute(request: CommandRequest): Promise<CommandResult>;
}

/**
 * The event store on two DynamoDB tables.
 * @param dependencies the tables, and all that varies: time, ids, randomness, waiting.
 */
export const createStore = (dependencies: ExecuteDependencies): Store => ({
  load: (accountId) =>
    patiently(dependencies, dependencies.clock() + dependencies.budget, () => loadTail(dependencies, accountId)),
  asOf: (accountId, moment) =>
    patiently(dependencies, dependencies.clock() + dependencies.budget, () =>
      tailAsOf(dependencies, accountId, moment),
    ),
  history: (accountId, range) => readHistory(dependencies, accountId, range),
  execute: (request) => execute(dependencies, request),
});
