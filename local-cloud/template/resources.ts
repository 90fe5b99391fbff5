import * as z from 'zod/mini';
import type { StackAssembly } from './assembly.ts';
import { refusedByAws } from './bounds.ts';
import { resolveIntrinsics, type TemplateScope } from './intrinsics.ts';
import { refuseDanglingReferences } from './references.ts';
import {
  type PropertiesOf,
  type ResourceRule,
  type RunningType,
  resourceKeysWithoutEffect,
  resourceRules,
  templateKeysWithoutEffect,
} from './rules.ts';

/** A resource of the template that runs. */
export interface Resource<Type extends RunningType> {
  readonly logicalId: string;
  /** Its physical name. */
  readonly name: string;
  /** Resolved, and checked against the rules. */
  readonly properties: PropertiesOf<Type>;
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives, e.g. of `Arn`. */
  attribute(name: string): string;
}

/** The resources of a template. */
export interface TemplateResources {
  /**
   * All resources of a type, in the order of the template.
   *
   * @throws an error that names the property or the value that the local cloud cannot run.
   */
  all<Type extends RunningType>(type: Type): readonly Resource<Type>[];
}

/**
 * Opens a template, to be read type by type. `rules.ts` says what every type may hold, `bounds.ts`
 * what AWS refuses.
 *
 * @throws an error that names a type or a part of the template that the local cloud cannot run.
 */
export const openTemplate = (assembly: StackAssembly): TemplateResources => {
  const { Resources, Parameters, ...rest } = templateShape.parse(assembly.template);
  refuseOthers(rest, templateKeysWithoutEffect, 'Holdfast local cannot run a template with');
  refuseDanglingReferences(assembly.template);
  const declared = Object.entries(Resources).map(([logicalId, raw]) => declare(logicalId, raw));
  const scope = createScope(assembly, declared, Parameters ?? {});

  const all = <Type extends RunningType>(type: Type): readonly Resource<Type>[] =>
    declared
      .filter((resource) => resource.type === type)
      .map((resource) => ({
        // Resolving comes first: it refuses a failing reference by the property's name.
        properties: schemas[type].runs.parse(checkedProperties(resource, scope)),
        logicalId: resource.logicalId,
        name: scope.name(resource.logicalId),
        ref: String(scope.ref(resource.logicalId)),
        attribute: (name) => String(scope.attribute(resource.logicalId, name)),
      }));
  return { all };
};

interface Declared {
  readonly logicalId: string;
  readonly type: string;
  readonly rule: ResourceRule;
  /** As the template has them. */
  readonly properties: Readonly<Record<string, unknown>>;
}

const templateShape = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string() })),
  Parameters: z.optional(z.record(z.string(), z.looseObject({ Default: z.optional(z.unknown()) }))),
});

const propertiesShape = z.record(z.string(), z.unknown());

/**
 * The same table twice: in one a type leads to its properties, in the other any type can be looked
 * up.
 */
const schemas: {
  readonly [Type in RunningType]: { readonly runs: z.ZodMiniType<PropertiesOf<Type>> };
} = resourceRules;
const rules: Readonly<Record<string, ResourceRule>> = resourceRules;

const declare = (
  logicalId: string,
  raw: Readonly<Record<string, unknown>> & { Type: string },
): Declared => {
  const { Type: type, Properties = {}, ...rest } = raw;
  const rule = rules[type];
  if (!rule)
    throw new Error(
      `Holdfast local cannot run ${type} "${logicalId}": this type is not implemented`,
    );
  refuseOthers(
    rest,
    resourceKeysWithoutEffect,
    `Holdfast local cannot run ${type} "${logicalId}" with`,
  );
  const properties = propertiesShape.parse(Properties);
  const refused = refusedByAws(type, properties);
  if (refused) throw new Error(`Holdfast local cannot run ${type} "${logicalId}": ${refused}`);
  return { logicalId, type, rule, properties };
};

const refuseOthers = (
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  sentence: string,
): void => {
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${sentence} ${unknown.join(', ')}: not implemented`);
};

const createScope = (
  { stackName, region, accountId }: StackAssembly,
  declared: readonly Declared[],
  parameters: Readonly<Record<string, { Default?: unknown }>>,
): TemplateScope & { name(logicalId: string): string } => {
  const byId = new Map(declared.map((resource) => [resource.logicalId, resource]));
  const pseudoParameters: Readonly<Record<string, string>> = {
    'AWS::AccountId': accountId,
    'AWS::Partition': 'aws',
    'AWS::Region': region,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };

  const name = (logicalId: string): string => {
    const { rule, properties } = byId.get(logicalId) ?? {};
    const given =
      rule && 'runs' in rule && rule.nameProperty ? properties?.[rule.nameProperty] : undefined;
    return given === undefined
      ? `${stackName}-${logicalId}`
      : String(resolveIntrinsics(given, scope));
  };

  const fill = (pattern: string | undefined, logicalId: string): string | undefined =>
    pattern
      ?.replaceAll('{region}', region)
      .replaceAll('{account}', accountId)
      .replaceAll('{name}', () => name(logicalId));

  const scope: TemplateScope = {
    ref: (reference) => {
      const { rule } = byId.get(reference) ?? {};
      if (rule) return 'runs' in rule ? fill(rule.ref, reference) : undefined;
      return pseudoParameters[reference] ?? parameters[reference]?.Default;
    },
    attribute: (logicalId, attribute) => {
      const { rule } = byId.get(logicalId) ?? {};
      return rule && 'runs' in rule ? fill(rule.attributes[attribute], logicalId) : undefined;
    },
  };
  return { ...scope, name };
};

/** The properties that have an effect, resolved; refuses, by name, what the rule does not take. */
const checkedProperties = (
  { type, logicalId, rule, properties }: Declared,
  scope: TemplateScope,
): unknown => {
  if (!('runs' in rule)) return {};
  const refuse = (why: string) =>
    new Error(`Holdfast local cannot run ${type} "${logicalId}": ${why}`);
  const resolved: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(properties)) {
    if (key in rule.noEffect) continue;
    try {
      resolved[key] = resolveIntrinsics(value, scope);
    } catch (error) {
      throw refuse(`property ${key}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const [issue] = rule.runs.safeParse(resolved).error?.issues ?? [];
  if (issue) throw refuse(explain(issue, resolved));
  return resolved;
};

const explain = (issue: z.core.$ZodIssue, properties: unknown): string => {
  if (issue.code === 'unrecognized_keys') {
    return `property ${[...issue.path, issue.keys[0]].join('.')} is not implemented`;
  }
  let value = properties;
  for (const key of issue.path) value = isIndexable(value) ? value[key] : undefined;
  const path = issue.path.join('.');
  return value === undefined
    ? `property ${path} is missing`
    : `property ${path} is ${JSON.stringify(value)}, which is not implemented`;
};

const isIndexable = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === 'object' && value !== null;
