import type { StreamRecord } from './stream-record.ts';

/**
 * Compiles the patterns of `FilterCriteria`: a record is delivered when one of them matches, or
 * when there is none.
 *
 * A pattern has the record's own shape, down to the type of an attribute; its leaves are lists of
 * rules, of which one has to hold. As on AWS, the number in `{"N":"5"}` is a string: `numeric` says
 * nothing about it.
 * @param patterns each a JSON text.
 * @throws Error that names a wrong pattern, or an operator that is not supported here.
 */
export const compileFilters = (
  patterns: readonly string[],
): ((record: Pick<StreamRecord, 'event'>) => boolean) => {
  const tests = patterns.map((pattern) => {
    try {
      return compileObject(JSON.parse(pattern));
    } catch (error) {
      throw new Error(
        `The filter ${pattern} cannot be used: ${error instanceof Error ? error.message : error}`,
      );
    }
  });
  return ({ event }) => tests.length === 0 || tests.some((test) => test(event));
};

/** Whether a value fits; undefined stands for a field that is not there. */
type Test = (value: unknown) => boolean;

const compileObject = (pattern: unknown): Test => {
  if (!isObject(pattern))
    throw new Error(`${JSON.stringify(pattern)} is neither an object nor a list of rules`);
  const fields = Object.entries(pattern).map(([name, inner]): Test => {
    if (name === '$or') return compileAlternatives(inner);
    const test = Array.isArray(inner) ? compileLeaf(inner) : compileObject(inner);
    return (value) => test(isObject(value) ? value[name] : undefined);
  });
  const all: Test = (value) => fields.every((test) => test(value));
  return (value) => (Array.isArray(value) && value.length > 0 ? value.some(all) : all(value));
};

const compileAlternatives = (inner: unknown): Test => {
  if (!Array.isArray(inner) || inner.length === 0) throw new Error('$or takes a list of patterns');
  const tests = inner.map(compileObject);
  return (value) => tests.some((test) => test(value));
};

const compileLeaf = (rules: readonly unknown[]): Test => {
  if (rules.length === 0) throw new Error('A list of rules is empty');
  const tests = rules.map(compileRule);
  return (value) => {
    // A list fits where one of its elements does; an object is no leaf, so it has nothing to
    // compare.
    const leaves = (Array.isArray(value) ? value : [value]).map((leaf) =>
      isObject(leaf) ? undefined : leaf,
    );
    return (leaves.length === 0 ? [undefined] : leaves).some((leaf) =>
      tests.some((test) => test(leaf)),
    );
  };
};

const compileRule = (rule: unknown): Test => {
  if (!isObject(rule)) return equalTo(rule);
  const [[operator, operand] = ['', undefined], ...more] = Object.entries(rule);
  const compile = operators[operator];
  if (compile === undefined || more.length > 0)
    throw new Error(`${JSON.stringify(rule)} is not a rule known here`);
  const test = compile(operand);
  if (test === undefined) throw new Error(`${operator} does not take ${JSON.stringify(operand)}`);
  return test;
};

/**
 * By name: a function that makes a test from the operand, or undefined for an operand it does not
 * take.
 */
const operators: Readonly<Record<string, ((operand: unknown) => Test | undefined) | undefined>> = {
  exists: (operand) =>
    typeof operand === 'boolean' ? (value) => (value !== undefined) === operand : undefined,
  prefix: (operand) => onStrings(operand, (value, start) => value.startsWith(start)),
  suffix: (operand) => onStrings(operand, (value, end) => value.endsWith(end)),
  'equals-ignore-case': (operand) =>
    onStrings(operand, (value, other) => value.toLowerCase() === other.toLowerCase()),
  'anything-but': (operand) => {
    const unwanted = Array.isArray(operand) ? operand : [operand];
    if (unwanted.some((value) => typeof value !== 'string' && typeof value !== 'number'))
      return undefined;
    return (value) => value !== undefined && !unwanted.includes(value);
  },
  numeric: (operand) => {
    if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) return undefined;
    const bounds = [operand.slice(0, 2), operand.slice(2)]
      .filter((bound) => bound.length > 0)
      .map(compileBound);
    if (bounds.includes(undefined)) return undefined;
    return (value) => typeof value === 'number' && bounds.every((bound) => bound?.(value));
  },
};

const onStrings = (
  operand: unknown,
  holds: (value: string, operand: string) => boolean,
): Test | undefined =>
  typeof operand === 'string'
    ? (value) => typeof value === 'string' && holds(value, operand)
    : undefined;

const comparisons: Readonly<
  Record<string, ((value: number, bound: number) => boolean) | undefined>
> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

const compileBound = ([sign, bound]: readonly unknown[]):
  | ((value: number) => boolean)
  | undefined => {
  const compare = typeof sign === 'string' ? comparisons[sign] : undefined;
  return compare && typeof bound === 'number' ? (value) => compare(value, bound) : undefined;
};

const equalTo = (expected: unknown): Test => {
  if (Array.isArray(expected)) throw new Error('A rule cannot be a list');
  return (value) => value === expected;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
