import * as z from 'zod/mini';
import { refusedByAws } from '../../../../local-cloud/template/bounds.ts';
import { refuseDanglingReferences } from '../../../../local-cloud/template/references.ts';
import { findingsInPolicies } from './policy.ts';
import { resourceTypeOf } from './specification.ts';
import { type Finding, findingsInProperties } from './value.ts';

/**
 * Finds what CloudFormation, or the service behind a resource, would refuse in a template, as
 * cfn-lint does, from the specification that AWS publishes. cfn-lint itself is a Python program
 * that neither npm nor Debian has (docs/decisions/0022).
 * @returns what is wrong, each with its place; nothing where the template is fine.
 */
export const lint = (template: unknown): readonly Finding[] => {
  const parsed = Template.safeParse(template);
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const { Resources: resources, Outputs: outputs } = parsed.data;
  const typeOfResource = (id: string) => resources[id]?.Type;
  return [
    ...dangling(parsed.data),
    ...Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
      const specified = resourceTypeOf(Type);
      if (!specified) return [`${id}: there is no resource type ${Type}`];
      const at = `${id}.Properties`;
      const refused = refusedByAws(Type, Properties);
      return [
        ...findingsInProperties(Properties, specified.properties, at, typeOfResource),
        ...findingsInPolicies(Properties, at),
        ...(refused === undefined ? [] : [`${id}: ${refused}`]),
      ];
    }),
    ...unknownAttributes({ resources, outputs }, typeOfResource),
    ...circles(resources),
    ...namesThatComeTwice(resources),
  ];
};

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MOST_RESOURCES = 500;
const MOST_OUTPUTS = 200;
/** Of a template in S3, where CDK puts it. */
const MOST_BYTES = 1_000_000;

const LogicalId = z.string().check(z.regex(/^[A-Za-z0-9]{1,255}$/));

const policies = ['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot'] as const;

const Resource = z.strictObject({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
  DependsOn: z.optional(z.union([LogicalId, z.array(LogicalId)])),
  DeletionPolicy: z.optional(z.enum(policies)),
  // It has no RetainExceptOnCreate.
  UpdateReplacePolicy: z.optional(z.enum(['Delete', 'Retain', 'Snapshot'])),
  Metadata: z.optional(z.record(z.string(), z.unknown())),
});
type Resource = z.infer<typeof Resource>;
type Resources = Readonly<Record<string, Resource>>;

const Template = z
  .strictObject({
    AWSTemplateFormatVersion: z.optional(z.literal('2010-09-09')),
    Description: z.optional(z.string().check(z.maxLength(1_024))),
    Resources: z.record(LogicalId, Resource).check(
      z.refine((all) => Object.keys(all).length > 0, 'there is no resource'),
      z.refine((all) => Object.keys(all).length <= MOST_RESOURCES, 'too many resources'),
    ),
    Outputs: z._default(
      z
        .record(
          LogicalId,
          z.strictObject({ Value: z.unknown(), Description: z.optional(z.string()) }),
        )
        .check(z.refine((all) => Object.keys(all).length <= MOST_OUTPUTS, 'too many outputs')),
      {},
    ),
  })
  .check(z.refine((all) => JSON.stringify(all).length <= MOST_BYTES, 'it is larger than 1 MB'));

const dangling = (template: Readonly<Record<string, unknown>>): readonly Finding[] => {
  try {
    refuseDanglingReferences(template);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

/** `Fn::GetAtt` of an attribute that the resource's type does not have. */
const unknownAttributes = (
  value: unknown,
  typeOfResource: (id: string) => string | undefined,
): readonly Finding[] =>
  attributesIn(value).flatMap(([id, attribute]) => {
    const type = resourceTypeOf(typeOfResource(id) ?? '');
    return type && !(attribute in type.attributes)
      ? [`${id}: ${type.cloudFormationType} has no attribute ${attribute}`]
      : [];
  });

const attributesIn = (value: unknown): readonly (readonly [id: string, attribute: string])[] => {
  if (Array.isArray(value)) return value.flatMap(attributesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name !== 'Fn::GetAtt') return attributesIn(inner);
    const [id, attribute] = [inner].flat().map(String);
    return [[id ?? '', attribute ?? ''] as const];
  });
};

/** Resources that wait for each other. */
const circles = (resources: Resources): readonly Finding[] => {
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): readonly Finding[] => {
    if (path.includes(id)) return [`${[...path, id].join(' waits for ')}`];
    if (done.has(id)) return [];
    const found = neededBy(resources[id]).flatMap((next) => visit(next, [...path, id]));
    done.add(id);
    return found;
  };
  const neededBy = (resource: Resource | undefined): readonly string[] =>
    resource
      ? [...[resource.DependsOn ?? []].flat(), ...referredIn(resource.Properties)].filter(
          (id) => id in resources,
        )
      : [];
  return Object.keys(resources).flatMap((id) => visit(id, []));
};

const referredIn = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(referredIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'Ref' || name === 'Fn::GetAtt') return [inner].flat().slice(0, 1).map(String);
    return referredIn(inner);
  });
};

/** Two resources of one type and one name: the second cannot be made. */
const namesThatComeTwice = (resources: Resources): readonly Finding[] => {
  const named = Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
    const identifier = resourceTypeOf(Type)?.primaryIdentifier ?? [];
    const values = identifier.map((name) => Properties[name]);
    return values.length > 0 && values.every((value) => value !== undefined)
      ? [{ id, name: `${Type} ${JSON.stringify(values)}` }]
      : [];
  });
  return [...Map.groupBy(named, ({ name }) => name)]
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => `${all.map(({ id }) => id).join(' and ')} are both ${name}`);
};
