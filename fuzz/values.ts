import fc from 'fast-check';
import * as z from 'zod/mini';
import type { Random } from '../testing/random.ts';

/** What is looked at of a JSON schema to make values of it. */
const Shape = z.looseObject({
  type: z.optional(z.union([z.string(), z.array(z.string())])),
  const: z.optional(z.unknown()),
  anyOf: z.optional(z.array(z.unknown())),
  oneOf: z.optional(z.array(z.unknown())),
  items: z.optional(z.unknown()),
  minItems: z.optional(z.number()),
  maxItems: z.optional(z.number()),
  propertyNames: z.optional(z.unknown()),
  additionalProperties: z.optional(z.unknown()),
  enum: z.optional(z.array(z.unknown())),
  pattern: z.optional(z.string()),
  format: z.optional(z.string()),
  minLength: z.optional(z.number()),
  maxLength: z.optional(z.number()),
  minimum: z.optional(z.number()),
  maximum: z.optional(z.number()),
  properties: z.optional(z.record(z.string(), z.unknown())),
  minProperties: z.optional(z.number()),
  required: z.optional(z.array(z.string())),
});

/** Makes values of JSON schemas. */
export interface Values {
  /** One that fits, often at an edge of what does. */
  fitting(name: string, schema: unknown): unknown;
  /** One that most likely does not. */
  wrong(schema: unknown): unknown;
  /** A text that means nothing. */
  junk(): string;
}

/**
 * @param random where all choices come from.
 * @param known a value that a field of this name has had, or is likely to mean something as.
 */
export const createValues = (random: Random, known: (name: string) => unknown): Values => {
  const texts = new Map<string, readonly string[]>();
  /** From a stock of some hundreds each: making one takes longer than sending it. */
  const fromStock = (name: string, arbitrary: () => fc.Arbitrary<string>): string => {
    let stock = texts.get(name);
    if (!stock) {
      stock = fc.sample(arbitrary(), { seed: random.between(1, 2 ** 31), numRuns: 300 });
      texts.set(name, stock);
    }
    return random.oneOf(stock);
  };

  const fittingText = ({
    pattern,
    format,
    minLength = 0,
    maxLength = 200,
  }: z.infer<typeof Shape>): string => {
    if (pattern !== undefined)
      return fromStock(pattern, () => fc.stringMatching(new RegExp(pattern)));
    if (format === 'date-time') return random.oneOf(times);
    if (random.chance(0.2))
      return random.oneOf(['x', '€', '𝄞']).repeat(random.oneOf([minLength, maxLength]) || 1);
    const limits = { minLength, maxLength: Math.min(maxLength, 40), unit: 'grapheme' } as const;
    return fromStock(`${minLength} ${maxLength}`, () => fc.string(limits));
  };

  const fittingNumber = ({ minimum = -MOST, maximum = MOST }: z.infer<typeof Shape>): number => {
    const near = (width: number) => minimum + random.between(0, Math.min(width, maximum - minimum));
    if (random.chance(0.4)) return near(3);
    if (random.chance(0.7)) return near(400);
    return random.oneOf([minimum, maximum, maximum - 1, random.between(minimum, maximum)]);
  };

  const fitting = (name: string, schema: unknown): unknown => {
    const shape = Shape.parse(schema);
    const meant = known(name);
    if (meant !== undefined) return meant;
    if (shape.enum) return random.oneOf(shape.enum);
    if (shape.type === 'integer') return fittingNumber(shape);
    if (shape.type === 'string') return fittingText(shape);
    const choices = shape.anyOf ?? shape.oneOf;
    if (choices) return fitting(name, random.oneOf(choices));
    if (shape.const !== undefined) return shape.const;
    if (shape.type === 'array') return fittingList(name, shape);
    if (Array.isArray(shape.type))
      return fitting(name, { ...shape, type: random.oneOf(shape.type) });
    if (shape.type === 'null') return null;
    if (shape.type === undefined) return random.oneOf(otherTypes);
    if (shape.propertyNames !== undefined) return fittingMap(shape);
    if (shape.type !== 'object')
      throw new Error(`${name} is of a type that nothing is made of yet: ${shape.type}`);
    const { properties = {}, required = [], minProperties = 0 } = shape;
    return Object.fromEntries(
      random
        .shuffled(Object.entries(properties))
        .filter(
          ([member], place) =>
            required.includes(member) || place < minProperties || random.chance(0.5),
        )
        .map(([member, inner]) => [member, fitting(member, inner)]),
    );
  };

  const fittingList = (name: string, shape: z.infer<typeof Shape>): unknown[] => {
    const { items, minItems = 0, maxItems = MOST } = shape;
    const length = random.between(minItems, Math.min(maxItems, minItems + 3));
    return Array.from({ length }, () => fitting(name, items));
  };

  const fittingMap = ({ propertyNames, additionalProperties }: z.infer<typeof Shape>): object =>
    Object.fromEntries(
      Array.from({ length: random.between(0, 3) }, () => [
        String(fitting('', propertyNames)),
        fitting('', additionalProperties),
      ]),
    );

  const wrong = (schema: unknown): unknown => {
    const shape = Shape.parse(schema);
    if (shape.type === 'object' && shape.properties) return wrongObject(shape);
    if (shape.type === 'array') return random.oneOf<unknown>([[], [null], {}, 'text', [1, 1]]);
    if (random.chance(0.3)) return random.oneOf(otherTypes);
    if (shape.type === 'integer')
      return random.oneOf([...wrongNumbers, (shape.maximum ?? MOST) + 1]);
    if (shape.format === 'date-time') return random.oneOf(wrongTimes);
    if (random.chance(0.3)) return 'x'.repeat((shape.maxLength ?? 255) + 1);
    return random.oneOf([
      '',
      ' ',
      '\u0000',
      '\ud800',
      'a b',
      'ä',
      '../..',
      '%',
      '{}',
      'eur',
      junk(),
    ]);
  };

  const wrongObject = ({ properties = {}, required = [] }: z.infer<typeof Shape>): unknown => {
    if (Object.keys(properties).length === 0) return { [junk()]: 1 };
    const whole = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [name, fitting(name, inner)]),
    );
    const name = random.oneOf(Object.keys(properties));
    const without = random.oneOf(required.length > 0 ? required : Object.keys(properties));
    return random.oneOf<() => unknown>([
      () => ({ ...whole, [name]: wrong(properties[name]) }),
      () => ({ ...whole, [name]: wrong(properties[name]) }),
      () => ({ ...whole, [name]: wrong(properties[name]) }),
      () => Object.fromEntries(Object.entries(whole).filter(([member]) => member !== without)),
      () => ({ ...whole, [random.oneOf(['ammount', 'Amount', 'toString', '', junk()])]: 1 }),
      () => JSON.parse(`{"__proto__":{"amount":1},${JSON.stringify(whole).slice(1)}`),
      () => random.oneOf<unknown>([[], [whole], null, 1, 'text', {}, true]),
    ])();
  };

  const junk = (): string =>
    fromStock('junk', () => fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }));

  return { fitting, wrong, junk };
};

const MOST = Number.MAX_SAFE_INTEGER;
const otherTypes: readonly unknown[] = [null, true, [], {}, 1, 'text', ['a'], { a: 1 }, -1.5];
const wrongNumbers: readonly unknown[] = [
  -1,
  0,
  1.5,
  2 ** 53,
  -(2 ** 53),
  1e300,
  '1',
  'abc',
  '',
  '1e1',
  '0x10',
  '+1',
  '٣',
];
const times: readonly string[] = [
  '2026-11-21T10:00:00.000Z',
  '2026-11-21T10:00:00Z',
  '2026-11-21T10:00:00.1234567+05:30',
  '2024-02-29T23:59:59-11:00',
  '1970-01-01T00:00:00.000Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  new Date().toISOString(),
];
const wrongTimes: readonly string[] = [
  'yesterday',
  '',
  '2026-11-21',
  '2026-02-30T00:00:00Z',
  '2026-11-21T25:00:00Z',
  '2026-11-21T10:00:00',
  '2026-11-21T10:00:00+99:00',
  '1764000000',
];
