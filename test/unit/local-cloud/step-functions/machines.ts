import type { Invocation } from '../../../../local-cloud/lambda/invocation.ts';
import {
  type Ending,
  openStateMachine,
  type StateMachineTemplate,
} from '../../../../local-cloud/step-functions/state-machine.ts';

export const machineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:transfer';
export const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:f';

/** A state machine of the template. */
export const machineWith = (
  definition: unknown,
  type: StateMachineTemplate['type'] = 'STANDARD',
): StateMachineTemplate => ({
  arn: machineArn,
  name: 'transfer',
  type,
  roleArn: 'arn:aws:iam::000000000000:role/transfer',
  definition,
});

/** A definition of one task, with fields of its own. */
export const oneTask = (fields: Record<string, unknown>) => ({
  StartAt: 'Do',
  States: { Do: { Type: 'Task', Resource: functionArn, End: true, ...fields } },
});

/**
 * Runs a machine of one task, whose function is the test's: it returns the answer, or throws the
 * `Invocation` that failed.
 */
export const runTask = (
  fields: Record<string, unknown>,
  input: unknown,
  answer: (input: unknown) => unknown,
): Promise<Ending> => {
  const invoke = async (event: unknown): Promise<Invocation> => {
    const answered = answer(event);
    return isFailure(answered) ? answered : { ok: true, payload: answered };
  };
  const machine = openStateMachine(machineWith(oneTask(fields)), (arn) => ({
    name: 'f',
    arn,
    invoke,
  }));
  return machine.run(input, { arn: 'arn:execution', name: 'one' }).ended;
};

type Failure = Extract<Invocation, { ok: false }>;

const isFailure = (answer: unknown): answer is Failure =>
  typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === false;
