import type { TemplatePolicies } from '../iam/access.ts';
import { managedPolicies } from '../iam/managed-policies.ts';
import { isTrusted, type Rule, readPolicy } from '../iam/policy.ts';
import type { Resource, TemplateResources } from './resources.ts';

/** A thing that acts under a role. */
export interface Actor {
  /** Its logical id. */
  readonly logicalId: string;
  readonly roleArn: string;
  /** The service that takes the role for it. */
  readonly service: 'lambda.amazonaws.com' | 'states.amazonaws.com';
}

/**
 * Reads every policy that bears on what runs here: those of the roles that somebody acts under, of
 * tables and queues, and the permissions to invoke functions.
 * @throws an error that names what cannot be enforced, a role that is not in the template, or one
 *   that its service may not take, which AWS refuses as well.
 */
export const readPolicies = (
  resources: TemplateResources,
  actors: readonly Actor[],
): TemplatePolicies => {
  const policies = resources.all('AWS::IAM::Policy');
  const roles = new Map<string, readonly Rule[]>();
  for (const role of resources.all('AWS::IAM::Role')) {
    const arn = role.attribute('Arn');
    const taken = actors.filter(({ roleArn }) => roleArn === arn);
    if (taken.length === 0) continue;
    for (const actor of taken) refuseUntrusted(role, actor);
    const added = policies.filter(({ properties }) => properties.Roles?.includes(role.name));
    roles.set(arn, rulesOf(role, added));
  }
  for (const { logicalId, roleArn } of actors) {
    if (!roles.has(roleArn))
      throw new Error(
        `Holdfast local cannot run "${logicalId}" with the role ${roleArn}: it is not in the template`,
      );
  }
  return { roles, resources: resourcePolicies(resources) };
};

const refuseUntrusted = (
  { name, properties }: Resource<'AWS::IAM::Role'>,
  { logicalId, service }: Actor,
): void => {
  if (isTrusted(properties.AssumeRolePolicyDocument, `role ${name}`, service)) return;
  throw new Error(
    `Holdfast local cannot run "${logicalId}": its role ${name} lets ${service} not take it (AssumeRolePolicyDocument)`,
  );
};

const rulesOf = (
  { name, properties }: Resource<'AWS::IAM::Role'>,
  added: readonly Resource<'AWS::IAM::Policy'>[],
): readonly Rule[] => {
  const source = `role ${name}`;
  const documents = [
    ...(properties.Policies ?? []).map(({ PolicyDocument }) => PolicyDocument),
    ...added.map((policy) => policy.properties.PolicyDocument),
    ...(properties.ManagedPolicyArns ?? []).map((arn) => managedPolicy(arn, source)),
  ];
  return documents.flatMap((document) => readPolicy(document, source, 'identity'));
};

const managedPolicy = (arn: string, source: string): unknown => {
  const known = managedPolicies[arn.replace(/^arn:[^:]*:iam::aws:policy\//, '')];
  if (known !== undefined) return known;
  throw new Error(
    `Holdfast local cannot enforce the policy of ${source}: what ${arn} allows is not known here`,
  );
};

/** By the ARN of the thing that has the policy. */
const resourcePolicies = (resources: TemplateResources): ReadonlyMap<string, readonly Rule[]> => {
  const found = new Map<string, Rule[]>();
  const add = (arn: string, rules: readonly Rule[]) =>
    found.set(arn, [...(found.get(arn) ?? []), ...rules]);
  for (const { name, properties, attribute } of resources.all('AWS::DynamoDB::Table')) {
    if (properties.ResourcePolicy === undefined) continue;
    const { PolicyDocument } = properties.ResourcePolicy;
    add(attribute('Arn'), readPolicy(PolicyDocument, `table ${name}`, 'resource'));
  }
  const queues = resources.all('AWS::SQS::Queue');
  for (const { logicalId, properties } of resources.all('AWS::SQS::QueuePolicy')) {
    for (const url of properties.Queues) {
      const queue = queues.find(({ ref }) => ref === url);
      if (!queue)
        throw new Error(`"${logicalId}" is of the queue ${url}, which is not in the template`);
      const rules = readPolicy(properties.PolicyDocument, `queue ${queue.name}`, 'resource');
      add(queue.attribute('Arn'), rules);
    }
  }
  const functions = resources.all('AWS::Lambda::Function');
  for (const { logicalId, properties } of resources.all('AWS::Lambda::Permission')) {
    const named = functions.find(({ name, attribute }) =>
      [name, attribute('Arn')].includes(properties.FunctionName),
    );
    if (!named)
      throw new Error(
        `"${logicalId}" is of ${properties.FunctionName}, which is not in the template`,
      );
    const arn = named.attribute('Arn');
    add(arn, readPolicy(toPolicy(properties, arn), `function ${named.name}`, 'resource'));
  }
  return found;
};

/** A permission as the statement that Lambda makes of it. */
const toPolicy = (
  permission: Resource<'AWS::Lambda::Permission'>['properties'],
  functionArn: string,
): unknown => {
  const { Action, Principal, SourceArn, SourceAccount } = permission;
  return {
    Statement: {
      Effect: 'Allow',
      Principal: Principal.includes('.amazonaws.com') ? { Service: Principal } : { AWS: Principal },
      Action,
      Resource: functionArn,
      Condition: {
        ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
        ...(SourceAccount !== undefined && {
          StringEquals: { 'aws:SourceAccount': SourceAccount },
        }),
      },
    },
  };
};

/**
 * The tables that are append only: their own policies let nobody at all update an item, or delete
 * one. A Put without a condition would do both, and IAM cannot tell it from others.
 * @returns their names.
 */
export const appendOnlyTables = (
  resources: TemplateResources,
  { resources: policies }: TemplatePolicies,
): ReadonlySet<string> => {
  const forbids = (rules: readonly Rule[], action: string, arn: string) =>
    rules.some(
      (rule) =>
        rule.effect === 'Deny' &&
        rule.unconditional &&
        rule.principal === '*' &&
        rule.action === action &&
        (rule.resource === arn || rule.resource === '*'),
    );
  const isAppendOnly = ({ attribute }: Resource<'AWS::DynamoDB::Table'>) => {
    const arn = attribute('Arn');
    const rules = policies.get(arn) ?? [];
    return ['dynamodb:UpdateItem', 'dynamodb:DeleteItem'].every((it) => forbids(rules, it, arn));
  };
  return new Set(
    resources
      .all('AWS::DynamoDB::Table')
      .filter(isAppendOnly)
      .map(({ name }) => name),
  );
};
