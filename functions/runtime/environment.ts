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
