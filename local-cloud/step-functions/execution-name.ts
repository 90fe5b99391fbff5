import { invalidMember, StatesError } from './states-error.ts';

/**
 * Holds an execution's name to the rules of `StartExecution`.
 * @throws StatesError as Step Functions answers.
 */
export const checkExecutionName = (name: string): void => {
  if (name.length === 0)
    throw invalidMember('name', name, 'Member must have length greater than or equal to 1');
  if (name.length > 80)
    throw invalidMember('name', name, 'Member must have length less than or equal to 80');
  if (forbidden.test(name)) throw new StatesError('InvalidName', `Invalid Name: '${name}'`);
};

/** White space, brackets, wildcards, special characters, control characters, and non-characters. */
const forbidden = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\p{Cs}\uFFFE\uFFFF\u{10FFFF}]/u;
