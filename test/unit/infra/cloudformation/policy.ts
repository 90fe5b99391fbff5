import * as z from 'zod/mini';
import type { Finding } from './value.ts';

/**
 * A policy document as IAM reads it
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html). What a
 * reference stands for is not looked at.
 */
const oneOrMore = z.union([z.unknown(), z.array(z.unknown())]);
const Action = z.string().check(z.regex(/^(?:\*|[a-z0-9-]+:[A-Za-z*?]+)$/));
const Actions = z.union([Action, z.array(Action)]);
const conditionOperator = z
  .string()
  .check(
    z.regex(
      /^(?:For(?:All|Any)Values:)?(?:(?:String(?:Not)?(?:Equals|Like|EqualsIgnoreCase)|Arn(?:Not)?(?:Equals|Like)|Numeric\w+|Date\w+|Bool|BinaryEquals|(?:Not)?IpAddress)(?:IfExists)?|Null)$/,
    ),
  );

const Statement = z
  .strictObject({
    Sid: z.optional(z.string().check(z.regex(/^[A-Za-z0-9]*$/))),
    Effect: z.enum(['Allow', 'Deny']),
    Action: z.optional(Actions),
    NotAction: z.optional(Actions),
    Resource: z.optional(oneOrMore),
    NotResource: z.optional(oneOrMore),
    Principal: z.optional(oneOrMore),
    NotPrincipal: z.optional(oneOrMore),
    Condition: z.optional(z.record(conditionOperator, z.record(z.string(), z.unknown()))),
  })
  .check(
    z.refine(
      ({ Action: yes, NotAction: no }) => (yes === undefined) !== (no === undefined),
      'a statement has Action or NotAction',
    ),
  );

const PolicyDocument = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.optional(z.string()),
  Statement: z.array(Statement).check(
    z.minLength(1),
    z.refine((all) => areDifferent(all.flatMap(({ Sid }) => Sid ?? [])), 'a Sid comes twice'),
  ),
});

const areDifferent = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** What a statement of each kind of policy must and must not say besides. */
const kinds: Readonly<Record<string, { readonly has: string; readonly hasNot: string }>> = {
  AssumeRolePolicyDocument: { has: 'Principal', hasNot: 'Resource' },
  KeyPolicy: { has: 'Principal', hasNot: '' },
  // Of a role among its policies; of a queue or a topic as a resource of its own.
  PolicyDocument: { has: 'Resource', hasNot: '' },
};

/**
 * Holds every policy document in some properties to IAM's grammar: CloudFormation's specification
 * says nothing of what is in one.
 */
export const findingsInPolicies = (value: unknown, at: string): readonly Finding[] => {
  if (Array.isArray(value))
    return value.flatMap((item, index) => findingsInPolicies(item, `${at}.${index}`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const kind = kinds[name];
    const where = `${at}.${name}`;
    return kind ? findingsInPolicy(inner, kind, where) : findingsInPolicies(inner, where);
  });
};

const findingsInPolicy = (
  document: unknown,
  { has, hasNot }: { readonly has: string; readonly hasNot: string },
  at: string,
): readonly Finding[] => {
  const { success, data, error } = PolicyDocument.safeParse(document);
  if (!success)
    return error.issues.map(({ path, message }) => `${[at, ...path].join('.')}: ${message}`);
  return data.Statement.flatMap((statement, index) => [
    ...(has in statement ? [] : [`${at}.Statement.${index}: a statement here has a ${has}`]),
    ...(hasNot in statement ? [`${at}.Statement.${index}: a statement here has no ${hasNot}`] : []),
  ]);
};
