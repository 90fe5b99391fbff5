import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  ACCOUNT_SCHEMA,
  Account,
  COMMAND_SCHEMA,
  Command,
} from '../../../functions/ledger/account.ts';
import { fingerprint } from '../../../functions/store/writing/command-record.ts';
import examples from './fingerprints.json' with { type: 'json' };
import golden from './stored-shapes.json' with { type: 'json' };

/**
 * What is stored under a schema number, which every item carries: the number as it is now, and the
 * shape that it stands for.
 */
const shapes: readonly {
  readonly name: string;
  readonly schema: number;
  readonly shape: z.ZodMiniType;
}[] = [
  { name: 'account', schema: ACCOUNT_SCHEMA, shape: Account },
  { name: 'command', schema: COMMAND_SCHEMA, shape: Command },
];

/**
 * The hash of a shape: of its JSON schema as canonical JSON, whatever order its fields and values
 * stand in. What a JSON schema cannot say, a check by a function, is not in it. Where a new version
 * of zod words the same schema in another way, these hashes change though no shape did: compare the
 * schemas of both by hand before you write the new hashes down.
 */
const hashOf = (shape: z.ZodMiniType): string => {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'input' });
  return createHash('sha256')
    .update(canonicalize(inOrder(schema)) ?? '')
    .digest('hex');
};

/**
 * Lists of names (what is required, what an enumeration knows) sorted: their order says nothing.
 */
const inOrder = (node: unknown): unknown => {
  if (Array.isArray(node))
    return node.every((item) => typeof item === 'string') ? node.toSorted() : node.map(inOrder);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, inOrder(child)]));
};

const recorded: Readonly<Record<string, string>> = golden;

describe('a shape that is stored', () => {
  it.each(shapes)(
    'has the number it was stored under: $name $schema',
    ({ name, schema, shape }) => {
      const key = `${name} ${schema}`;
      const hash = hashOf(shape);
      expect(
        recorded[key],
        recorded[key] === undefined
          ? `The number ${schema} of the shape "${name}" is new. Once it is as it shall be deployed, add it to stored-shapes.json ` +
              `and leave the lines above it as they are: "${key}": "${hash}"`
          : `The shape "${name}" has changed under its number ${schema}, under which items are stored. Count the number up (and ` +
              'see that what was stored under the old one can still be read), or take the change back. Never change a line of stored-shapes.json.',
      ).toBe(hash);
    },
  );

  it('has every number that was ever used, up to the newest', () => {
    const used = shapes.flatMap(({ name, schema }) =>
      Array.from({ length: schema }, (_, index) => `${name} ${index + 1}`),
    );
    expect(Object.keys(recorded).toSorted()).toEqual(used.toSorted());
  });
});

describe('the hash of a shape', () => {
  const shape = z.object({ amount: z.int(), kind: z.enum(['a', 'b']) });

  it.each<[string, z.ZodMiniType]>([
    ['has a field more', z.object({ ...shape.shape, note: z.string() })],
    [
      'has a field more that may be missing',
      z.object({ ...shape.shape, note: z.optional(z.string()) }),
    ],
    ['has a field less', z.object({ amount: z.int() })],
    ['calls a field by another name', z.object({ sum: z.int(), kind: shape.shape.kind })],
    ['takes another kind of number', z.object({ ...shape.shape, amount: z.number() })],
    ['knows one value more', z.object({ ...shape.shape, kind: z.enum(['a', 'b', 'c']) })],
    ['drops nothing', z.looseObject(shape.shape)],
    ['lets a field be missing', z.object({ ...shape.shape, kind: z.optional(shape.shape.kind) })],
  ])('is another where it %s', (_, changed) => expect(hashOf(changed)).not.toBe(hashOf(shape)));
  it('is the same whatever the order of its fields and values', () =>
    expect(hashOf(z.object({ kind: z.enum(['b', 'a']), amount: z.int() }))).toBe(hashOf(shape)));
});

describe('the fingerprint of a command', () => {
  // A record lies under its key for ever, with the fingerprint of the deployment that wrote it.
  // Where a later one computes another, a client that repeats its request hears that the key
  // belongs to another request. If this test is red, the fingerprint has to be mended, not the
  // test: a new field may only count where it is there.
  it.each(examples)(
    'is what it was in every deployment so far: $command.type',
    ({ command, fingerprint: expected }) =>
      expect(fingerprint(Command.parse(command))).toBe(expected),
  );

  it('has an example of every command here', () => {
    const types = Command.def.options.flatMap((option) => option.shape.type.def.values);
    expect(new Set(examples.map(({ command }) => command.type))).toEqual(new Set(types));
  });
});
