import { type Decision, evaluate } from './evaluate.ts';
import type { Rule } from './policy.ts';
import { type AccessRequest, accountIn, type Principal } from './request.ts';

/** The policies of a template. */
export interface TemplatePolicies {
  /** By the role's ARN. */
  readonly roles: ReadonlyMap<string, readonly Rule[]>;
  /** The policies of tables, queues and functions, by ARN. */
  readonly resources: ReadonlyMap<string, readonly Rule[]>;
}

/** Who may do what, and what was asked for so far. */
export interface Access {
  /** @returns `undefined`: it is allowed; else why it is not, in the words of AWS. */
  refusal(request: AccessRequest): string | undefined;
  /** Every rule that allows something, of all roles and resources. */
  grants(): readonly Rule[];
  /** Every request that was allowed so far, once. */
  used(): readonly AccessRequest[];
}

/**
 * Enforces the policies of a template.
 * @throws nothing: what cannot be enforced was refused when the policies were read.
 */
export const createAccess = (policies: TemplatePolicies): Access => {
  /** Policies do not change while the cloud runs, so each answer is found once. */
  const decided = new Map<string, { request: AccessRequest; decision: Decision }>();

  const decide = (request: AccessRequest): Decision => {
    const key = keyOf(request);
    const known = decided.get(key);
    if (known) return known.decision;
    const decision = evaluate(request, policiesFor(policies, request));
    if (decided.size >= MOST_REMEMBERED) decided.clear();
    decided.set(key, { request, decision });
    return decision;
  };

  return {
    refusal: (request) => {
      const decision = decide(request);
      return decision.allowed ? undefined : explain(request, decision.deniedBy, policies);
    },
    grants: () =>
      [...policies.roles.values(), ...policies.resources.values()]
        .flat()
        .filter(({ effect }) => effect === 'Allow'),
    used: () =>
      [...decided.values()].flatMap(({ request, decision }) => (decision.allowed ? [request] : [])),
  };
};

/** Executions have names of their own, so there is no end of resources. */
const MOST_REMEMBERED = 50_000;

const keyOf = ({ principal, action, resource }: AccessRequest): string => {
  const who =
    principal.kind === 'role' ? principal.arn : `${principal.name} ${principal.sourceArn}`;
  return `${who} ${action} ${resource}`;
};

const policiesFor = (
  { roles, resources }: TemplatePolicies,
  { principal, resource }: AccessRequest,
) => ({
  identity: principal.kind === 'role' ? (roles.get(principal.arn) ?? []) : [],
  resource: resources.get(ownerOf(resource)) ?? [],
});

/** An index is under its table's policy. */
const ownerOf = (resource: string): string => resource.replace(/\/index\/[^/]+$/, '');

/**
 * The message of an `AccessDeniedException`
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
 */
const explain = (
  { principal, action, resource }: AccessRequest,
  deniedBy: Rule | undefined,
  { roles }: TemplatePolicies,
): string => {
  const kind =
    principal.kind === 'service' || (deniedBy && !roles.get(principal.arn)?.includes(deniedBy))
      ? 'resource'
      : 'identity';
  const because = deniedBy
    ? `with an explicit deny in ${kind === 'identity' ? 'an' : 'a'} ${kind}-based policy`
    : `because no ${kind}-based policy allows the ${action} action`;
  return `User: ${userOf(principal)} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
};

/** A role that is taken is an ARN of its own, with the session's name behind the role's. */
const userOf = (principal: Principal): string => {
  if (principal.kind === 'service') return principal.name;
  const [, partition = 'aws'] = principal.arn.split(':');
  const role = principal.arn.split('/').at(-1);
  return `arn:${partition}:sts::${accountIn(principal.arn)}:assumed-role/${role}/${principal.session}`;
};
