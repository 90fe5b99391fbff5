/**
 * What a log line says of an error.
 *
 * Never the error's other fields: DynamoDB's have the items that stood in the way, whole, with
 * amounts, references and balances.
 */
export interface DescribedError {
  readonly name: string;
  /** Left out where JavaScript quotes in it what it could not read. */
  readonly message?: string;
  /** `ECONNRESET`, `store_unavailable`. */
  readonly code?: string;
  /** Of the answer of an AWS service, by which AWS finds the request. */
  readonly status?: number;
  readonly requestId?: string;
  /** Why each item of a transaction was refused, by its code. */
  readonly cancellationReasons?: readonly string[];
  /** Where it was thrown, one call a line. */
  readonly stack?: string;
  readonly cause?: DescribedError | string;
}

/** How many causes of causes are told. */
const DEEPEST = 5;

/**
 * `JSON.parse` quotes the text that is no JSON, and `BigInt` the number that is none: it may be a
 * body, or an amount.
 */
const QUOTING = new Set(['SyntaxError', 'RangeError']);

/**
 * Describes what was thrown, by fields that hold nothing of what anybody owns or wrote.
 * @param thrown whatever was. Of what is no error, only a text is told, which this code wrote, or
 *   the `kind` or `outcome` of a result.
 */
export const describeError = (thrown: unknown, depth = 0): DescribedError | string => {
  if (!(thrown instanceof Error)) return describeResult(thrown);
  const { code, $metadata, CancellationReasons }: Fields = thrown;
  const { httpStatusCode: status, requestId } = $metadata ?? {};
  const stack = framesOf(thrown);
  return {
    name: thrown.name,
    ...(QUOTING.has(thrown.name) ? {} : { message: thrown.message }),
    ...(typeof code === 'string' && { code }),
    ...(typeof status === 'number' && { status }),
    ...(typeof requestId === 'string' && { requestId }),
    ...(CancellationReasons && {
      cancellationReasons: CancellationReasons.map(({ Code }) => Code ?? 'None'),
    }),
    ...(stack && { stack }),
    ...(thrown.cause !== undefined &&
      depth < DEEPEST && { cause: describeError(thrown.cause, depth + 1) }),
  };
};

/**
 * Takes from the errors that a handler throws all but their name, message and stack.
 *
 * Lambda writes the other fields to the function's log, too, and hands name and message to the
 * caller: Step Functions keeps them with the execution.
 */
export const withBareErrors =
  <Args extends readonly unknown[], Answer>(
    handler: (...args: Args) => Promise<Answer>,
  ): ((...args: Args) => Promise<Answer>) =>
  async (...args) => {
    try {
      return await handler(...args);
    } catch (error) {
      throw bare(error);
    }
  };

const bare = (thrown: unknown): Error => {
  const described = describeError(thrown);
  if (typeof described === 'string') return new Error(described);
  const { name, message = 'its message may quote what it could not read', stack = '' } = described;
  const error = new Error(message);
  // Not enumerable, as they are of any error.
  Object.defineProperty(error, 'name', { value: name });
  Object.defineProperty(error, 'stack', { value: `${name}: ${message}\n${stack}` });
  return error;
};

const describeResult = (result: unknown): string => {
  if (typeof result === 'string') return result;
  if (typeof result !== 'object' || result === null) return typeof result;
  const told = Object.entries(result).find(([name]) => name === 'kind' || name === 'outcome');
  return typeof told?.[1] === 'string' ? told[1] : 'something that is no error';
};

/** The lines of a stack without the message, which may have several lines of its own. */
const framesOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

type Fields = Error & {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown; readonly requestId?: unknown };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
};
