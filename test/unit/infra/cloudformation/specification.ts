import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type {
  Property,
  PropertyType,
  Resource,
  SpecDatabase,
  TypeDefinition,
} from '@aws-cdk/service-spec-types';

/**
 * The specification of every CloudFormation resource type, as AWS publishes it each week: which
 * properties there are, which have to be there, of which type each is, and of some the values that
 * they take. CDK's own classes are made from it.
 */
const specification: SpecDatabase = loadAwsServiceSpecSync();

/** What is known of a resource type; `undefined`: there is no such type. */
export const resourceTypeOf = (type: string): Resource | undefined =>
  specification.lookup('resource', 'cloudFormationType', 'equals', type)[0];

/**
 * The types that a property may have. JSON, which any value fits, is left out beside a type that
 * says what is in a list or an object: AWS wrote it before it had written down what.
 */
export const typesOf = ({
  type,
  previousTypes = [],
}: Pick<Property, 'type' | 'previousTypes'>): readonly PropertyType[] => {
  const all = [type, ...previousTypes].flatMap(alternatives);
  const isSaid = all.some(({ type: kind }) => STRUCTURES.has(kind));
  return isSaid ? all.filter(({ type: kind }) => kind !== 'json') : all;
};

const STRUCTURES = new Set<PropertyType['type']>(['array', 'map', 'ref', 'tag']);

const alternatives = (type: PropertyType): readonly PropertyType[] =>
  type.type === 'union' ? type.types.flatMap(alternatives) : [type];

/** The properties of an object inside a resource. */
export const definitionOf = (
  type: Extract<PropertyType, { readonly type: 'ref' }>,
): TypeDefinition => specification.get('typeDefinition', type.reference.$ref);
