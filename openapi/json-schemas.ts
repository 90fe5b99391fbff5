import * as z from 'zod/mini';

/** A JSON schema, as far as this generator looks into one. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A schema that has a name in the document, and what is said of it there. */
export interface NamedSchema {
  readonly schema: z.ZodMiniType;
  readonly description?: string;
  /** What a check of zod's does not tell. */
  readonly format?: string;
  readonly minProperties?: number;
  /** What is said of its members, by their names; a format where zod has none of that name. */
  readonly fields?: Readonly<Record<string, string | Pick<JsonSchema, 'description' | 'format'>>>;
}

/** The schemas of a document. */
export interface JsonSchemas {
  /**
   * The JSON schema of a part of a request or an answer. Every schema in it that has a name is a
   * reference to that name.
   * @param io `input`: what a client sends; `output`: what that means here.
   */
  of(schema: z.ZodMiniType, io: 'input' | 'output'): JsonSchema;
  /**
   * Those that have a name, as a client sends and reads them.
   * @throws {Error} where nothing has referred to one.
   */
  named(): Record<string, JsonSchema>;
}

/**
 * Makes JSON schemas of zod's.
 * @param names the schemas that have a name.
 * @throws {Error} where two names are of one schema, or something is said of a member that is not
 *   there.
 */
export const createJsonSchemas = (names: Readonly<Record<string, NamedSchema>>): JsonSchemas => {
  const registry = z.registry<
    Pick<NamedSchema, 'description' | 'format' | 'minProperties'> & { id: string }
  >();
  for (const [id, { schema, fields: _, ...said }] of Object.entries(names)) {
    const other = registry.get(schema);
    if (other) throw new Error(`${other.id} and ${id} are one schema: make it two, or leave one`);
    registry.add(schema, { id, ...said });
  }
  const referredTo = new Map<string, JsonSchema>();

  const of: JsonSchemas['of'] = (schema, io) => {
    // As a member, for a schema with a name is written out where it stands at the top.
    const whole = z.object({ schema });
    const { $defs = {}, properties } = referringToComponents(
      z.toJSONSchema(whole, { metadata: registry, io, unrepresentable: 'any' }),
    );
    for (const [name, definition] of Object.entries($defs)) {
      const { fields } = names[name] ?? {};
      // What stands for a name is what is sent: once it is read, a default is always there.
      if (io === 'input' || !referredTo.has(name))
        referredTo.set(name, fields ? withFields(name, definition, fields) : definition);
    }
    return memberOf(properties, 'schema');
  };

  const named: JsonSchemas['named'] = () =>
    Object.fromEntries(
      Object.keys(names).map((name) => {
        const schema = referredTo.get(name);
        if (!schema) throw new Error(`no route takes or answers ${name} of openapi/schemas.ts`);
        return [name, schema];
      }),
    );

  return { of, named };
};

/** A member's schema. @throws {Error} where there is no such member. */
const memberOf = (properties: JsonSchema['properties'], name: string): JsonSchema => {
  const member = properties?.[name];
  if (typeof member !== 'object') throw new Error(`there is no ${name}`);
  return member;
};

const withFields = (
  name: string,
  { properties = {}, ...schema }: JsonSchema,
  fields: NonNullable<NamedSchema['fields']>,
): JsonSchema => {
  const unknown = Object.keys(fields).filter((field) => !Object.hasOwn(properties, field));
  if (unknown.length > 0)
    throw new Error(`${name} has no ${unknown}, of which openapi/schemas.ts says something`);
  const described = Object.entries(fields).map(([field, said]): [string, JsonSchema] => [
    field,
    {
      ...memberOf(properties, field),
      ...(typeof said === 'string' ? { description: said } : said),
    },
  ]);
  return { ...schema, properties: { ...properties, ...Object.fromEntries(described) } };
};

/** zod refers to definitions beside a schema; a document has them in one place. */
const referringToComponents = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (name, value) =>
    name === '$ref' && typeof value === 'string'
      ? value.replace('#/$defs/', '#/components/schemas/')
      : value,
  );
