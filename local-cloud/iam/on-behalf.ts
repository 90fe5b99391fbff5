import type { Invocation, LocalFunction } from '../lambda/invocation.ts';
import type { Access } from './access.ts';
import type { AccessRequest, Principal } from './request.ts';

/**
 * A function as somebody may invoke it who needs leave for that: a route of the API, a rule, a
 * workflow.
 * @param options.report told of every invocation that is refused.
 */
export const invokedBy = (
  target: LocalFunction,
  {
    access,
    principal,
    report,
  }: {
    readonly access: Access;
    readonly principal: Principal;
    readonly report: (line: string) => void;
  },
): LocalFunction => {
  const request: AccessRequest = {
    principal,
    action: 'lambda:InvokeFunction',
    resource: target.arn,
  };
  return {
    name: target.name,
    arn: target.arn,
    invoke: async (event) => {
      const refusal = access.refusal(request);
      if (refusal === undefined) return target.invoke(event);
      report(`${target.name} is not invoked: ${refusal}`);
      return mayNotInvoke(refusal);
    },
  };
};

/** As a task of a workflow reports it. */
const MAY_NOT_INVOKE = 'Lambda.AWSLambdaException';

const mayNotInvoke = (refusal: string): Invocation => ({
  ok: false,
  errorType: MAY_NOT_INVOKE,
  errorMessage: `${refusal} (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException)`,
});

/** Whether an invocation was refused because its caller may not invoke the function. */
export const isRefused = (invocation: Invocation): boolean =>
  !invocation.ok && invocation.errorType === MAY_NOT_INVOKE;

/** What Lambda needs, in a function's name, to read a stream for it. */
const READING = ['GetRecords', 'GetShardIterator', 'DescribeStream', 'ListStreams'] as const;

/**
 * Checks, as Lambda does when a mapping is made, that a function's role may read the stream.
 * @param streamArn as the template has it.
 * @throws {Error} with the message of Lambda's `InvalidParameterValueException`.
 */
export const assertMayRead = (access: Access, principal: Principal, streamArn: string): void => {
  const refused = READING.some(
    (operation) =>
      access.refusal({
        principal,
        action: `dynamodb:${operation}`,
        // Which streams there are is asked of no stream.
        resource: operation === 'ListStreams' ? '*' : streamArn,
      }) !== undefined,
  );
  if (!refused) return;
  const actions = `${READING.slice(0, -1).join(', ')}, and ${READING.at(-1)}`;
  throw new Error(
    `Cannot access stream ${streamArn}. Please ensure the role can perform the ${actions} Actions on your stream in IAM.`,
  );
};

/**
 * Makes a function's log, to which Lambda writes in the function's name: what its role may not
 * write is lost, as on AWS.
 * @param options.log takes a line.
 * @param options.report told once that lines are lost.
 */
export const logOf = (options: {
  readonly access: Access;
  readonly principal: Principal;
  /** The ARN of a log stream in the function's group. */
  readonly logStreamArn: string;
  readonly log: (line: string) => void;
  readonly report: (line: string) => void;
}): ((line: string) => void) => {
  const { access, principal, logStreamArn: resource, log, report } = options;
  let refusal: string | undefined;
  let isKnown = false;
  return (line) => {
    if (!isKnown) {
      isKnown = true;
      refusal = ['logs:CreateLogStream', 'logs:PutLogEvents']
        .map((action) => access.refusal({ principal, action, resource }))
        .find((found) => found !== undefined);
      if (refusal !== undefined) report(`Log lines are lost: ${refusal}`);
    }
    if (refusal === undefined) log(line);
  };
};
