import type { AccountId, Caller, Timestamp, Version } from '../../events/values.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { askUntil, untilAnswered } from '../runtime/patience.ts';
import type { CommandRequest, CommandResult } from './deciding/command-result.ts';
import { createLanes } from './deciding/lanes.ts';
import { type ExecuteDependencies, execute } from './execute.ts';
import { executeTogether } from './execute-together.ts';
import { isOwnedBy, rememberOwners } from './owners.ts';
import { decidePending, type PendingTally } from './queueing/decide-pending.ts';
import { rememberHotAccounts } from './queueing/hot-accounts.ts';
import { help } from './queueing/queue.ts';
import { rehearse, rehearseTogether } from './rehearse.ts';
import type { Commit } from './stream/commit.ts';
import { type EntriesPage, readEntries } from './stream/entries.ts';
import { loadTail, readBackwards, readCommitAt, readHistory, tailAsOf } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';
import { type Claimed, claimKey } from './writing/bulk-claim.ts';
import { findRecord, type PendingCommand } from './writing/command-record.ts';
import type { RecordKey } from './writing/record-key.ts';
import type { FoundRecord } from './writing/write.ts';

/** The event store: every account's stream, and the commands that change it. */
export interface Store {
  /**
   * Reads an account as it stands, strongly consistent.
   * @returns its stream's tail; version 0 where there is no such account.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  load(accountId: AccountId): Promise<Tail>;
  /**
   * Asks whether an account is there and belongs to a caller: see {@link isOwnedBy}.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  isOwnedBy(accountId: AccountId, caller: Caller): Promise<boolean>;
  /**
   * Reads an account as it was.
   * @returns its stream's tail at that moment: version 0 before it was opened; the tail as it
   *   stands where the moment lies ahead.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  asOf(
    accountId: AccountId,
    moment: { readonly version: Version } | { readonly at: Timestamp },
  ): Promise<Tail>;
  /**
   * Reads an account's commits, oldest first.
   * @param range versions, both included; the commit that holds `from` is the first. Without it:
   *   all of them. `pageSize` is how many a request reads at most.
   * @throws {StoreUnavailable} where DynamoDB did not answer a page in time.
   */
  history(
    accountId: AccountId,
    range?: { readonly from?: number; readonly to?: number; readonly pageSize?: number },
  ): AsyncIterable<Commit>;
  /**
   * Reads the commit that holds an event.
   * @returns `undefined` where there is no such event.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  commitAt(accountId: AccountId, version: number): Promise<Commit | undefined>;
  /**
   * Reads an account's latest commits, newest first, a few at a request. Each is read when its turn
   * comes.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  latest(accountId: AccountId): AsyncIterable<Commit>;
  /**
   * A page of an account's statement, newest first: see {@link readEntries}.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  entries(
    accountId: AccountId,
    page: { readonly limit: number; readonly before?: Version | undefined },
  ): Promise<EntriesPage>;
  /** Decides a command once and appends its events: see {@link execute}. */
  execute(request: CommandRequest): Promise<CommandResult>;
  /** Tells what would become of a command, and does nothing: see {@link rehearse}. */
  rehearse(request: CommandRequest): Promise<CommandResult>;
  /** Tells what would become of commands of one account: see {@link rehearseTogether}. */
  rehearseTogether(
    accountId: AccountId,
    requests: readonly CommandRequest[],
  ): Promise<readonly CommandResult[]>;
  /**
   * Claims a key for a request of many commands: see {@link claimKey}.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time.
   */
  claim(key: RecordKey, fingerprint: string): Promise<Claimed>;
  /** Decides commands of one account together, each once: see {@link executeTogether}. */
  executeTogether(
    accountId: AccountId,
    requests: readonly CommandRequest[],
    tail?: Tail,
  ): Promise<readonly CommandResult[]>;
  /**
   * Reads the record under a key, strongly consistent: what became of a command, or that it is
   * pending.
   * @returns `undefined` where the key is free.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time: then nothing may be
   *   concluded.
   */
  recordOf(key: RecordKey): Promise<FoundRecord | undefined>;
  /**
   * Decides pending commands of one account together: see {@link decidePending}.
   * @throws {StoreUnavailable} where DynamoDB did not answer in time: commands that were not
   *   decided are still pending.
   */
  decidePending(accountId: AccountId, pending: readonly PendingCommand[]): Promise<PendingTally>;
  /** Decides a pending command for who asks after it: see {@link help}. */
  help(pending: PendingCommand): Promise<boolean>;
}

/** How many commits a request for the latest of an account reads. */
const LATEST = 10;

/** What a store is made of. */
export type StoreDependencies = Omit<ExecuteDependencies, 'hot' | 'look' | 'lanes' | 'owners'>;

/**
 * The event store on three DynamoDB tables.
 * @param dependencies the tables, and all that varies: time, ids, randomness, waiting.
 */
export const createStore = (dependencies: StoreDependencies): Store => {
  const hot = rememberHotAccounts(dependencies.clock);
  const look = lookTogether({ ...dependencies, table: dependencies.commandsTable });
  const lanes = createLanes(dependencies);
  const all = { ...dependencies, hot, look, lanes, owners: rememberOwners() };
  const deadline = () => dependencies.clock() + dependencies.budget;
  return {
    load: (accountId) => loadTail(all, askUntil(all, deadline()), accountId),
    asOf: (accountId, moment) => tailAsOf(all, askUntil(all, deadline()), accountId, moment),
    isOwnedBy: (accountId, caller) => isOwnedBy(all, deadline(), accountId, caller),
    // Each page has the whole budget: a history may be as long as an account is old.
    history: (accountId, range) =>
      readHistory(all, (page) => untilAnswered(all, deadline(), page), accountId, range),
    commitAt: (accountId, version) =>
      readCommitAt(all, askUntil(all, deadline()), accountId, version),
    latest: (accountId) =>
      readBackwards(all, askUntil(all, deadline()), accountId, { pageSize: LATEST }),
    entries: (accountId, page) => readEntries(all, askUntil(all, deadline()), accountId, page),
    execute: (request) => execute(all, request),
    rehearse: (request) => rehearse(all, request),
    rehearseTogether: (accountId, requests) => rehearseTogether(all, accountId, requests),
    claim: (key, fingerprint) => claimKey(all, key, fingerprint, deadline()),
    executeTogether: (accountId, requests, tail) => executeTogether(all, accountId, requests, tail),
    recordOf: (key) => untilAnswered(all, deadline(), () => findRecord(all, key)),
    decidePending: (accountId, pending) => decidePending(all, accountId, pending, deadline()),
    help: (pending) => help(all, pending, deadline()),
  };
};
