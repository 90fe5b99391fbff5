import type { AccountId, TransferId } from '../../../events/values.ts';
import { nonAcceptance } from '../../http/answer/command-answer.ts';
import type { HttpAnswer } from '../../http/answer/http-answer.ts';
import type { Problem } from '../../http/answer/problem.ts';
import { type Command, RejectionCode } from '../../ledger/account.ts';
import type { CommandResult } from '../../store/deciding/command-result.ts';

/**
 * Finds out how the hold of a transfer ended that its source holds no more.
 * @returns `undefined` where that is not known just now.
 */
export type EndOfHold = (
  transferId: TransferId,
  from: AccountId,
) => Promise<'captured' | 'voided' | 'expired' | 'never_held' | undefined>;

/**
 * The answer to whoever came too late to end a hold, or was not accepted for another reason. The
 * account only knows that the hold is gone; what it ended with stays so for ever, so a repeat hears
 * the same.
 */
export const notAccepted = async (
  command: Extract<Command, { type: 'capture' | 'void' }>,
  result: Exclude<CommandResult, { outcome: 'accepted' }>,
  repeatableBy: string | undefined,
  endOfHold: EndOfHold,
): Promise<HttpAnswer | Problem> => {
  const isGone = result.outcome === 'rejected' && result.rejection.code === 'hold_ended';
  if (!isGone) return nonAcceptance(command, result, repeatableBy);
  const { transferId, accountId } = command;
  const end = await endOfHold(transferId, accountId);
  if (end === undefined) return notKnownYet;
  const code = RejectionCode.parse(end === 'never_held' ? 'not_held' : `hold_${end}`);
  const detail =
    end === 'never_held'
      ? `Transfer ${transferId} was never held.`
      : `The hold of transfer ${transferId} ${end === 'expired' ? 'has' : 'was'} ${end}.`;
  const rejection = { code, detail };
  return nonAcceptance(command, { ...result, rejection }, repeatableBy);
};

const notKnownYet: Problem = {
  code: 'try_again',
  detail: 'Nothing was done: the hold has ended, and how is not known yet. Ask again.',
  headers: { 'Retry-After': '1' },
};
