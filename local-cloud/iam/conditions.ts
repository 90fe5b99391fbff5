import { arnPattern, type Matches, textPattern } from './patterns.ts';
import { type Context, isContextKey } from './request.ts';

/** Whether a statement is about a request of this context. */
export type Condition = (context: Context) => boolean;

/** An operator: how it holds a value to the texts of a policy. */
interface Operator {
  /** Makes the test of one text. */
  readonly matches: (text: string) => Matches;
  /** True where none of the texts may match, as in `StringNotEquals`. */
  readonly negated: boolean;
}

const exactly =
  (text: string): Matches =>
  (value) =>
    value === text;
const truth =
  (text: string): Matches =>
  (value) =>
    value === text.toLowerCase();

/**
 * The operators that this machine knows
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
 */
const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { matches: exactly, negated: false },
  StringNotEquals: { matches: exactly, negated: true },
  StringLike: { matches: textPattern, negated: false },
  StringNotLike: { matches: textPattern, negated: true },
  ArnEquals: { matches: arnPattern, negated: false },
  ArnLike: { matches: arnPattern, negated: false },
  ArnNotEquals: { matches: arnPattern, negated: true },
  ArnNotLike: { matches: arnPattern, negated: true },
  Bool: { matches: truth, negated: false },
};

/**
 * Reads the `Condition` of a statement: every operator has to hold for every key, and a key holds
 * for one of its texts, or, where the operator negates, for none of them.
 * @param given by operator and key, as in the policy.
 * @throws {Error} that names the operator or the key that is not implemented: passed over, it would
 *   make a policy say something else.
 */
export const readConditions = (
  given: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
): Condition => {
  const conditions = Object.entries(given).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, texts]) => readCondition(operator, key, texts)),
  );
  return (context) => conditions.every((holds) => holds(context));
};

const readCondition = (name: string, key: string, texts: readonly string[]): Condition => {
  const known = key.toLowerCase();
  if (!isContextKey(known)) throw new Error(`the condition key ${key} is not implemented`);
  if (name === 'Null') {
    const absent = texts.some((text) => text.toLowerCase() === 'true');
    return (context) => (context[known] === undefined) === absent;
  }
  const ifExists = name.endsWith('IfExists');
  const operator = operators[name.replace(/IfExists$/, '')];
  if (operator === undefined) throw new Error(`the condition operator ${name} is not implemented`);
  const patterns = texts.map(operator.matches);
  return (context) => {
    const value = context[known];
    // What is not there equals nothing: a negated operator holds.
    if (value === undefined) return ifExists || operator.negated;
    return patterns.some((matches) => matches(value)) !== operator.negated;
  };
};
