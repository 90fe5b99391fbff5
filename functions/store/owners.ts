import type { AccountId, Caller } from '../../events/values.ts';
import { askUntil, type Patience } from '../runtime/patience.ts';
import { type EventsTable, loadTail } from './stream/read.ts';
import type { Tail } from './stream/tail.ts';

/** Which accounts belong to whom, as far as this environment has seen. */
export interface Owners {
  /** Whether the account is known to belong to the caller; false where that is not known. */
  areKnown(accountId: AccountId, caller: Caller): boolean;
  /**
   * Takes note of what a stream says of its owner.
   * @returns whether the account is there and belongs to the caller.
   */
  tell(tail: Pick<Tail, 'streamId' | 'account'>, caller: Caller): boolean;
}

/** How many accounts an environment remembers the owner of: less than 2 MB. */
const MOST = 10_000;

/**
 * Remembers owners. An account keeps its owner for ever, so what was seen once holds. Only what a
 * caller may see is remembered: a stranger is told after the same read whether the account is there
 * or not.
 */
export const rememberOwners = (most = MOST): Owners => {
  const owners = new Map<AccountId, Caller>();
  const remember = (accountId: AccountId, owner: Caller): void => {
    owners.delete(accountId);
    owners.set(accountId, owner);
    const [oldest] = owners.keys();
    if (owners.size > most && oldest !== undefined) owners.delete(oldest);
  };
  return {
    areKnown: (accountId, caller) => {
      if (owners.get(accountId) !== caller) return false;
      remember(accountId, caller);
      return true;
    },
    tell: ({ streamId, account }, caller) => {
      if (account?.owner !== caller) return false;
      remember(streamId, caller);
      return true;
    },
  };
};

/** What asking for an account's owner takes. */
export interface OwnersDependencies extends EventsTable, Patience {
  readonly owners: Owners;
}

/**
 * Asks whether an account is there and belongs to a caller: without a request where this
 * environment has seen it, else by the stream's tail.
 * @param deadline in milliseconds since 1970.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export const isOwnedBy = async (
  dependencies: OwnersDependencies,
  deadline: number,
  accountId: AccountId,
  caller: Caller,
): Promise<boolean> => {
  const { owners } = dependencies;
  if (owners.areKnown(accountId, caller)) return true;
  const tail = await loadTail(dependencies, askUntil(dependencies, deadline), accountId);
  return owners.tell(tail, caller);
};
