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
    super(`the ${step} of transfer ${transferId} is not decided: ${JSON.stringify(result)}`);
  }
}
