import type { AccountId } from '../../../events/values.ts';
import { type DecidingDependencies, Lane, type LaneOptions } from './lane.ts';
import type { Submission } from './plan.ts';
import type { Verdict } from './verdict.ts';

/**
 * This environment's lanes: one for each account on which it is deciding commands, and one for each
 * set of accounts on which it is carrying commands out at once.
 */
export interface Lanes {
  /**
   * Decides commands in the lane of their accounts, in order, together with the others that are
   * there.
   * @param accountIds the account that all of them are for; or all accounts that each of them is to
   *   be carried out on at once.
   * @returns what became of each, independent of the others. Never rejects.
   */
  decide(
    accountIds: readonly AccountId[],
    submissions: readonly Submission[],
    options: LaneOptions,
  ): Promise<ReadonlyMap<Submission, Verdict>>;
  /** Whether commands of the account alone are being decided. */
  isBusy(accountId: AccountId): boolean;
}

/** What deciding in lanes takes. */
export interface LanesDependencies extends DecidingDependencies {
  readonly lanes: Lanes;
}

/**
 * Makes an environment's lanes. A lane exists while it has commands; then it and what it knows of
 * its accounts are dropped.
 */
export const createLanes = (dependencies: DecidingDependencies): Lanes => {
  const lanes = new Map<string, Lane>();
  const laneOf = (accountIds: readonly AccountId[]): Lane => {
    // Both directions of transfers between two accounts are one lane.
    const sorted = accountIds.toSorted();
    const name = nameOf(sorted);
    const there = lanes.get(name);
    if (there) return there;
    const lane = new Lane(dependencies, sorted, () => {
      if (lanes.get(name) === lane) lanes.delete(name);
    });
    lanes.set(name, lane);
    return lane;
  };
  return {
    decide: (accountIds, submissions, options) => laneOf(accountIds).join(submissions, options),
    isBusy: (accountId) => lanes.has(nameOf([accountId])),
  };
};

/** No account's id has a slash. */
const nameOf = (accountIds: readonly AccountId[]): string => accountIds.join('/');
