/** An error as Step Functions answers it: callers tell it by its code. */
export class StatesError extends Error {
  /** Such as `ExecutionAlreadyExists`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'StatesError';
    this.code = code;
  }
}

/** Makes Step Functions' answer to a request whose member breaks the limits of the model. */
export const invalidMember = (
  member: string,
  value: string | null,
  constraint: string,
): StatesError => {
  const shown = value === null ? 'null' : `'${value}'`;
  return new StatesError(
    'ValidationException',
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`,
  );
};
