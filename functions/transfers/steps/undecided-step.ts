import type { CommandResult } from '../../store/deciding/command-result.ts';

/**
 * A step of a transfer did not come to a decision, or not to one that the saga knows. The workflow
 * then tries the step again: nothing may be concluded from this error, least of all that the credit
 * was rejected.
 */
export class UndecidedStep extends Error {
  override readonly name = 'UndecidedStep';
  readonly code = 'undecided_step';

  constructor(step: 'credit' | 'settle' | 'release', transferId: string, result: CommandResult) {
    const { outcome, problem } = outcomeOf(result);
    const why = problem === undefined ? outcome : `${outcome}, ${problem}`;
    super(`the ${step} of transfer ${transferId} is not decided: ${why}`);
  }
}

/**
 * What a log line says of what became of a command: not what the accounts hold, which stands in the
 * result as well.
 */
export const outcomeOf = (
  result: CommandResult,
): { readonly outcome: string; readonly problem?: string; readonly error?: unknown } => {
  const { outcome } = result;
  if (outcome === 'rejected') return { outcome, problem: result.rejection.code };
  if (outcome !== 'undecided') return { outcome };
  const { reason, cause } = result;
  return { outcome, problem: reason, ...(cause === undefined ? {} : { error: cause }) };
};
