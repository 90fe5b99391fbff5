import type { Rule } from './policy.ts';
import { type AccessRequest, contextOf } from './request.ts';

/** What policies say of a request. */
export type Decision =
  | { readonly allowed: true; readonly by: readonly Rule[] }
  | {
      readonly allowed: false;
      /** The rule that forbids it; absent: no rule allows it. */
      readonly deniedBy?: Rule;
    };

/** The policies that bear on a request. */
export interface Policies {
  /** Of the role that asks; none where a service asks in its own name. */
  readonly identity: readonly Rule[];
  /** Of the resource that is asked for. */
  readonly resource: readonly Rule[];
}

/**
 * Decides as IAM does within one account, where there is no boundary and no policy of an
 * organization: a rule that denies wins over all others; else one that allows is enough, of the
 * role or of the resource; else the request is denied
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html).
 */
export const evaluate = (request: AccessRequest, { identity, resource }: Policies): Decision => {
  const context = contextOf(request.principal);
  const found = [...identity, ...resource].filter((rule) => rule.appliesTo(request, context));
  const deniedBy = found.find(({ effect }) => effect === 'Deny');
  if (deniedBy) return { allowed: false, deniedBy };
  return found.length > 0 ? { allowed: true, by: found } : { allowed: false };
};
