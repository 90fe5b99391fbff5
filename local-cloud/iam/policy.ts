import * as z from 'zod/mini';
import { type Condition, readConditions } from './conditions.ts';
import { actionPattern, type Matches, resourcePattern } from './patterns.ts';
import { type AccessRequest, type Context, contextOf, type Principal } from './request.ts';

/**
 * What a policy says of one action on one resource. A statement with several of both comes to as
 * many rules, so that each can be named, counted and taken away.
 */
export interface Rule {
  /** Where it stands, e.g. `role holdfast-dev-deposit`. */
  readonly source: string;
  readonly effect: 'Allow' | 'Deny';
  /** Whom it names; absent: whoever has the policy. */
  readonly principal?: string | undefined;
  /** As the policy has it, patterns included. */
  readonly action: string;
  readonly resource: string;
  /** Whether it speaks of a request. */
  readonly appliesTo: (request: AccessRequest, context: Context) => boolean;
  /** Whether it has no condition: it then speaks of every request for its action and resource. */
  readonly unconditional: boolean;
}

/** The policy of whoever has it, or of a thing, which names whom it speaks of. */
export type PolicyKind = 'identity' | 'resource';

/**
 * Reads a policy document.
 * @param document resolved.
 * @param source where it stands, for people.
 * @throws {Error} that names the element that is not implemented. Whatever IAM knows and this code
 *   does not is such an error: a policy of which a part is passed over says something else.
 */
export const readPolicy = (
  document: unknown,
  source: string,
  kind: PolicyKind,
): readonly Rule[] => {
  try {
    const { Statement } = read(Document, document);
    return [Statement].flat().flatMap((statement) => readStatement(statement, source, kind));
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new Error(`Holdfast local cannot enforce the policy of ${source}: ${why}`);
  }
};

const readStatement = (given: unknown, source: string, kind: PolicyKind): Rule[] => {
  const statement = read(Statement, given);
  for (const text of textsIn(given)) {
    if (text.includes('${')) throw new Error(`the variable in ${text} is not implemented`);
  }
  const condition = statement.Condition ? readConditions(statement.Condition) : always;
  const whom = kind === 'resource' ? principalsOf(statement.Principal) : [anybody];
  if (kind === 'identity' && statement.Principal !== undefined)
    throw new Error('a Principal has no place in it');
  const actions = oneOf('Action', statement.Action, statement.NotAction, actionPattern);
  const resources = oneOf('Resource', statement.Resource, statement.NotResource, resourcePattern);
  return whom.flatMap((principal) =>
    actions.flatMap((action) =>
      resources.map((resource) => ({
        source,
        effect: statement.Effect,
        principal: principal.text,
        action: action.text,
        resource: resource.text,
        unconditional: condition === always,
        appliesTo: (request: AccessRequest, context: Context) =>
          action.matches(request.action) &&
          resource.matches(request.resource) &&
          principal.matches(request.principal) &&
          condition(context),
      })),
    ),
  );
};

const always: Condition = () => true;

/** An element, or its negation, which is about everything but all that it names. */
const oneOf = (
  name: string,
  these: readonly string[] | undefined,
  others: readonly string[] | undefined,
  pattern: (text: string) => Matches,
): { readonly text: string; readonly matches: Matches }[] => {
  if ((these === undefined) === (others === undefined))
    throw new Error(`a statement needs ${name} or Not${name}, and not both`);
  if (others === undefined) return (these ?? []).map((text) => ({ text, matches: pattern(text) }));
  const patterns = others.map(pattern);
  const text = `all but ${others.join(', ')}`;
  return [{ text, matches: (asked) => !patterns.some((matches) => matches(asked)) }];
};

/** Whom a rule speaks of. */
interface Whom {
  readonly text?: string;
  readonly matches: (principal: Principal) => boolean;
}

const anybody: Whom = { matches: () => true };

const principalsOf = (given: z.infer<typeof Statement>['Principal']): Whom[] => {
  if (given === undefined) throw new Error('a statement needs a Principal');
  if (given === '*') return [{ ...anybody, text: '*' }];
  return Object.entries(given).flatMap(([type, names]) =>
    names.map((text) => {
      if (type === 'Service')
        return { text, matches: (it: Principal) => it.kind === 'service' && it.name === text };
      if (type === 'AWS' && text === '*') return { ...anybody, text };
      if (type === 'AWS' && /^arn:[^:]*:iam::\d+:role\/[^*?]+$/.test(text))
        return { text, matches: (it: Principal) => it.kind === 'role' && it.arn === text };
      throw new Error(`the principal ${type} ${text} is not implemented`);
    }),
  );
};

/**
 * Whether somebody may take a role.
 * @param trust the role's `AssumeRolePolicyDocument`, which names no resource: it is the role.
 * @param service e.g. `lambda.amazonaws.com`.
 * @throws {Error} that names the element that is not implemented.
 */
export const isTrusted = (trust: unknown, source: string, service: string): boolean => {
  const { Statement: statements } = read(Document, trust);
  const rules = readPolicy(
    { Statement: [statements].flat().map((it) => ({ ...read(Fields, it), Resource: '*' })) },
    `${source}, who may take it`,
    'resource',
  );
  const principal: Principal = { kind: 'service', name: service, sourceArn: '' };
  const request = { principal, action: 'sts:AssumeRole', resource: '*' };
  const found = rules.filter((rule) => rule.appliesTo(request, contextOf(principal)));
  return found.length > 0 && found.every(({ effect }) => effect === 'Allow');
};

const Texts = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((value) => [value].flat()),
);
/** Condition values may be written as booleans or numbers. */
const Values = z.pipe(
  z.union([
    z.string(),
    z.boolean(),
    z.number(),
    z.array(z.union([z.string(), z.boolean(), z.number()])),
  ]),
  z.transform((value) => [value].flat().map(String)),
);

const Fields = z.record(z.string(), z.unknown());

const Document = z.strictObject({
  Version: z.optional(z.enum(['2008-10-17', '2012-10-17'])),
  Id: z.optional(z.string()),
  Statement: z.union([z.unknown(), z.array(z.unknown())]),
});

const Statement = z.strictObject({
  Sid: z.optional(z.string()),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.optional(z.union([z.literal('*'), z.record(z.string(), Texts)])),
  Action: z.optional(Texts),
  NotAction: z.optional(Texts),
  Resource: z.optional(Texts),
  NotResource: z.optional(Texts),
  Condition: z.optional(z.record(z.string(), z.record(z.string(), Values))),
});

const read = <Schema extends z.ZodMiniType>(schema: Schema, given: unknown): z.infer<Schema> => {
  const { data, error } = schema.safeParse(given);
  if (error === undefined) return data;
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw new Error(`the element ${issue.keys.join(', ')} is not implemented`);
  throw new Error(`${issue?.path.join('.')}: ${issue?.message} in ${JSON.stringify(given)}`);
};

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};
