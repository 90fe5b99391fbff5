import * as z from 'zod/mini';

/** A JSON schema, read as plain JSON. */
const Schema = z.record(z.string(), z.unknown());
const Examples = z.optional(z.record(z.string(), z.strictObject({ value: z.unknown() })));

const Parameter = z.strictObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.optional(z.boolean()),
  description: z.string(),
  schema: Schema,
  example: z.optional(z.unknown()),
});

const Content = z.strictObject({ schema: Schema, examples: Examples });

const Header = z.strictObject({
  description: z.string(),
  required: z.optional(z.boolean()),
  schema: Schema,
  example: z.optional(z.unknown()),
});

const Response = z.strictObject({
  description: z.string(),
  headers: z.record(z.string(), Header),
  content: z._default(z.record(z.string(), Content), {}),
});

const Operation = z.strictObject({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.optional(z.string()),
  /** Empty: it takes no token. Else any one of these will do. */
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(Parameter),
  requestBody: z.optional(
    z.strictObject({
      required: z.literal(true),
      content: z.strictObject({ 'application/json': Content }),
    }),
  ),
  responses: z.record(z.string().check(z.regex(/^[2-5]\d\d$/)), Response),
});
export type Operation = z.infer<typeof Operation>;

const OpenApi = z.strictObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  servers: z.array(z.strictObject({ url: z.string() })),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string().check(z.startsWith('/')),
    z.strictObject({
      get: z.optional(Operation),
      patch: z.optional(Operation),
      post: z.optional(Operation),
    }),
  ),
  components: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/**
 * Reads an OpenAPI document, as far as this one goes, and follows every reference.
 * @returns its operations by route (`GET /health`), and its components.
 * @throws {Error} where it is not well-formed, or a reference leads nowhere.
 */
export const readOpenApi = (document: unknown) => {
  const read = OpenApi.parse(followReferences(document, document));
  const operations = new Map<string, Operation>();
  for (const [path, methods] of Object.entries(read.paths)) {
    for (const [method, operation] of Object.entries(methods))
      if (operation) operations.set(`${method.toUpperCase()} ${path}`, operation);
  }
  return { ...read, operations };
};

const followReferences = (node: unknown, document: unknown): unknown => {
  if (Array.isArray(node)) return node.map((item) => followReferences(item, document));
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, ...beside } = Object.fromEntries(
    Object.entries(node).map(([name, child]) => [
      name,
      name === '$ref' ? child : followReferences(child, document),
    ]),
  );
  if ($ref === undefined) return beside;
  const target = followReferences(lookUp(String($ref), document), document);
  return { ...(typeof target === 'object' ? target : {}), ...beside };
};

const lookUp = (ref: string, document: unknown): unknown => {
  if (!ref.startsWith('#/')) throw new Error(`${ref} leads out of the document`);
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, name) => {
      const next =
        typeof node === 'object' && node !== null
          ? new Map(Object.entries(node)).get(name)
          : undefined;
      if (next === undefined) throw new Error(`${ref} leads nowhere`);
      return next;
    }, document);
};
