import type { AccountId } from '../../../events/values.ts';
import { type DecidingDependencies, Lane, type LaneOptions } from './lane.ts';
import type { Submission } from './plan.ts';
import type { Verdict } from './verdict.ts';

/** This environment's lanes: one for each account on which it is deciding commands. */
export interface Lanes {
  /**
   * Decides commands in their account's lane, in order, together with the others that are there.
   * @returns what became of each, independent of the others. Never rejects.
   */
  decide(
    accountId: AccountId,
    submissions: readonly Submission[],
    options: LaneOptions,
  ): Promise<ReadonlyMap<Submission, Verdict>>;
}

/** What deciding in lanes takes. */
export interface LanesDependencies extends DecidingDependencies {
  readonly lanes: Lanes;
}

/**
 * Makes an environment's lanes. A lane exists while it has commands; then it and what it knows of
 * its account are dropped.
 */
export const createLanes = (dependencies: DecidingDependencies): Lanes => {
  const lanes = new Map<AccountId, Lane>();
  const laneOf = (accountId: AccountId): Lane => {
    const lane = lanes.get(accountId) ?? new Lane(dependencies, accountId, leave);
    lanes.set(accountId, lane);
    return lane;
  };
  const leave = (lane: Lane) => {
    if (lanes.get(lane.accountId) === lane) lanes.delete(lane.accountId);
  };
  return {
    decide: (accountId, submissions, options) => laneOf(accountId).join(submissions, options),
  };
};
