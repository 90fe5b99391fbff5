import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod/mini';
import type { JsonSchema, JsonSchemas } from './json-schemas.ts';
import { type Parameter, parameters } from './parameters.ts';

const PLACES = { path: 'path', query: 'query', headers: 'header' } as const;

/**
 * Describes the parameters that routes take.
 * @param jsonSchemas makes their schemas.
 */
export const describeParameters = (jsonSchemas: JsonSchemas) => {
  const described = new Map<string, object>();

  /**
   * The parameters of a request, as references to those that have a name.
   * @param request the schema that a route reads its requests with.
   * @throws {Error} where nothing is said of one, or another route reads the same one differently.
   */
  const of = (route: string, request: z.ZodMiniType) => {
    const sent = jsonSchemas.of(request, 'input');
    const read = jsonSchemas.of(request, 'output');
    return Object.entries(PLACES).flatMap(([part, place]) => {
      const { properties: texts = {}, required = [] } = partOf(sent, part);
      const { properties: values = {} } = partOf(read, part);
      return Object.entries(texts).map(([name, text]) => {
        const [id, { route: _, ...said }] = saidOf(route, place, name);
        const parameter = {
          ...said,
          ...(required.includes(name) ? { required: true } : {}),
          schema: schemaOf(text, values[name]),
        };
        if (described.has(id) && !isDeepStrictEqual(described.get(id), parameter))
          throw new Error(
            `${route} reads ${said.name} differently: it needs another name than ${id}`,
          );
        described.set(id, parameter);
        return { $ref: `#/components/parameters/${id}` };
      });
    });
  };

  /**
   * Those that have a name.
   * @throws {Error} where no route takes one.
   */
  const named = () =>
    Object.fromEntries(
      Object.keys(parameters).map((id) => {
        const parameter = described.get(id);
        if (!parameter) throw new Error(`no route takes ${id} of openapi/parameters.ts`);
        return [id, parameter];
      }),
    );

  return { of, named };
};

const saidOf = (route: string, place: Parameter['in'], name: string): [string, Parameter] => {
  const found = Object.entries<Parameter>(parameters).find(
    // A request's headers are in lower case.
    ([, said]) =>
      said.in === place &&
      (place === 'header' ? said.name.toLowerCase() : said.name) === name &&
      (said.route === undefined || said.route === route),
  );
  if (!found)
    throw new Error(`openapi/parameters.ts says nothing of ${name}, which ${route} takes`);
  return found;
};

/**
 * What a parameter means, a number for instance, where JSON Schema can say it; else what its text
 * looks like.
 */
const schemaOf = (text: unknown, value: unknown) =>
  Object.keys(Object(value)).length > 0 ? value : text;

const partOf = ({ properties = {} }: JsonSchema, name: string): JsonSchema => {
  const part = properties[name];
  return typeof part === 'object' ? part : {};
};
