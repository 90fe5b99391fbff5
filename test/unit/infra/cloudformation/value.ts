import type { Property, PropertyType } from '@aws-cdk/service-spec-types';
import { definitionOf, resourceTypeOf, typesOf } from './specification.ts';

/** What is wrong, and where: `Events.Properties.BillingMode: …`. */
export type Finding = string;

/** The type of a resource of the template; `undefined`: there is none of that id. */
export type TypeOfResource = (logicalId: string) => string | undefined;

/**
 * Holds properties to their specification: each has to be known, each that is required has to be
 * there, and each value has to be of a type, and among the values, that the specification allows.
 * The value of a reference is what it leads to: a text, a list, or what the attribute is.
 * @param at where the properties stand.
 */
export const findingsInProperties = (
  properties: Readonly<Record<string, unknown>>,
  specified: Readonly<Record<string, Property>>,
  at: string,
  typeOfResource: TypeOfResource,
): readonly Finding[] => [
  ...Object.keys(properties)
    .filter((name) => !(name in specified))
    .map((name) => `${at}.${name}: there is no such property`),
  ...Object.entries(specified)
    .filter(([name, { required }]) => required === true && properties[name] === undefined)
    .map(([name]) => `${at}.${name}: it is required`),
  ...Object.entries(specified).flatMap(([name, property]) =>
    properties[name] === undefined
      ? []
      : findingsIn(properties[name], typesOf(property), `${at}.${name}`, typeOfResource),
  ),
];

const findingsIn = (
  value: unknown,
  types: readonly PropertyType[],
  at: string,
  typeOfResource: TypeOfResource,
): readonly Finding[] => {
  const perType = types.map((type) => findingsForType(value, type, at, typeOfResource));
  // Of several types, the one that fits best tells most.
  return perType.toSorted((a, b) => a.length - b.length)[0] ?? [];
};

const findingsForType = (
  value: unknown,
  type: PropertyType,
  at: string,
  typeOfResource: TypeOfResource,
): readonly Finding[] => {
  if (type.type === 'json') return [];
  const inner = (item: unknown, itemType: PropertyType, where: string) =>
    findingsIn(item, typesOf({ type: itemType }), where, typeOfResource);
  const form = formOfIntrinsic(value, typeOfResource);
  if (form !== undefined) {
    const fits = type.type === 'array' ? form === 'list' : form === 'one';
    return fits || form === 'any' ? [] : [`${at}: a reference to ${form} value is no ${type.type}`];
  }
  if (type.type === 'array') {
    if (!Array.isArray(value)) return [`${at}: ${show(value)} is no list`];
    return value.flatMap((item, index) => inner(item, type.element, `${at}.${index}`));
  }
  if (type.type === 'map' || type.type === 'ref' || type.type === 'tag') {
    if (!isObject(value)) return [`${at}: ${show(value)} is no object`];
    if (type.type === 'map')
      return Object.entries(value).flatMap(([key, item]) =>
        inner(item, type.element, `${at}.${key}`),
      );
    const { properties } = type.type === 'ref' ? definitionOf(type) : { properties: tag };
    return findingsInProperties(value, properties, at, typeOfResource);
  }
  if (!(isOf[type.type]?.(value) ?? true)) return [`${at}: ${show(value)} is no ${type.type}`];
  const allowed: readonly unknown[] | undefined =
    type.type === 'string' || type.type === 'integer' ? type.allowedValues : undefined;
  return allowed && !allowed.includes(value)
    ? [`${at}: ${show(value)} is none of ${allowed.join(', ')}`]
    : [];
};

const tag: Readonly<Record<string, Property>> = {
  Key: { type: { type: 'string' }, required: true },
  Value: { type: { type: 'string' }, required: true },
};

const isOf: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  'date-time': (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
};

/** Whether an intrinsic function gives one value or a list; `undefined`: it is none. */
const formOfIntrinsic = (
  value: unknown,
  typeOfResource: TypeOfResource,
): 'one' | 'list' | 'any' | undefined => {
  if (!isObject(value)) return undefined;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  if (others.length > 0) return undefined;
  if (name === 'Fn::GetAtt') {
    const [id, attribute] = [argument].flat();
    const found = resourceTypeOf(typeOfResource(String(id)) ?? '')?.attributes[String(attribute)];
    if (found === undefined) return 'any';
    return typesOf(found).some(({ type }) => type === 'array') ? 'list' : 'one';
  }
  return forms[name];
};

const forms: Readonly<Record<string, 'one' | 'list' | 'any'>> = {
  Ref: 'one',
  'Fn::Join': 'one',
  'Fn::Sub': 'one',
  'Fn::Base64': 'one',
  'Fn::GetAZs': 'list',
  'Fn::Cidr': 'list',
  'Fn::Split': 'list',
  'Fn::Select': 'any',
  'Fn::If': 'any',
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? 'nothing';
