/** Somebody who asks AWS for something. */
export type Principal =
  /** Whoever acts under a role: a function, a workflow, or Lambda in a function's name. */
  | {
      readonly kind: 'role';
      /** E.g. `arn:aws:iam::000000000000:role/NAME`. */
      readonly arn: string;
      /** The name of the session: for a function, the function's. */
      readonly session: string;
    }
  /** A service of AWS in its own name, on account of a resource: a rule, a route. */
  | { readonly kind: 'service'; readonly name: string; readonly sourceArn: string };

/** One action on one resource: a request to a service comes to one of these, or to several. */
export interface AccessRequest {
  readonly principal: Principal;
  /** E.g. `dynamodb:PutItem`. */
  readonly action: string;
  /** An ARN, or `*` for an action that knows no resources. */
  readonly resource: string;
}

/**
 * What conditions can ask about
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html). Keys
 * are in lower case, since IAM does not look at their case.
 */
const contextKeys = [
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalisawsservice',
  'aws:principalservicename',
  'aws:securetransport',
  'aws:sourceaccount',
  'aws:sourcearn',
] as const;

type ContextKey = (typeof contextKeys)[number];

/** What is known of a request beside principal, action and resource. */
export type Context = Readonly<Partial<Record<ContextKey, string>>>;

/** Whether this machine knows a condition key, of which no request may have a value. */
export const isContextKey = (key: string): key is ContextKey =>
  contextKeys.some((known) => known === key);

/**
 * The context of a principal's requests. On AWS all of them come over TLS: the SDK and the services
 * themselves know no other way.
 */
export const contextOf = (principal: Principal): Context =>
  principal.kind === 'role'
    ? {
        'aws:securetransport': 'true',
        'aws:principalarn': principal.arn,
        'aws:principalaccount': accountIn(principal.arn),
        'aws:principalisawsservice': 'false',
      }
    : {
        'aws:securetransport': 'true',
        'aws:principalservicename': principal.name,
        'aws:principalisawsservice': 'true',
        'aws:sourcearn': principal.sourceArn,
        'aws:sourceaccount': accountIn(principal.sourceArn),
      };

/** The account in an ARN. */
export const accountIn = (arn: string): string => arn.split(':')[4] ?? '';
