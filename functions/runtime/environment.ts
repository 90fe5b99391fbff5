/**
 * Reads a variable that the template must have set.
 * @throws {Error} naming it where it is missing or empty.
 */
export const environmentVariable = (name: string): string => {
  const value = process.env[name];
  if (!value)
    throw new Error(
      `the environment variable ${name} is not set: the template gives it to every function that needs it`,
    );
  return value;
};

/**
 * Reads a variable that the template must have set to one of some values.
 * @throws {Error} naming it and the values where it is missing or has another one.
 */
export const environmentChoice = <Choice extends string>(
  name: string,
  choices: readonly Choice[],
): Choice => {
  const value = environmentVariable(name);
  const choice = choices.find((one) => one === value);
  if (choice === undefined)
    throw new Error(
      `the environment variable ${name} is ${JSON.stringify(value)}; it can be ${choices.join(' or ')}`,
    );
  return choice;
};
