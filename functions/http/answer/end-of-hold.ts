import type { AccountId, TransferId } from '../../../events/values.ts';
import { type Command, type Rejection, RejectionCode } from '../../ledger/account.ts';
import type { CommandResult } from '../../store/deciding/command-result.ts';
import { nonAcceptance } from './command-answer.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { Problem } from './problem.ts';

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
  const rejection = await endedAs(transferId, accountId, endOfHold);
  return rejection ? nonAcceptance(command, { ...result, rejection }, repeatableBy) : notKnownYet;
};

/** How a hold ended that its source holds no more, as its losers hear it; `undefined`: see above. */
export const endedAs = async (
  transferId: TransferId,
  from: AccountId,
  endOfHold: EndOfHold,
): Promise<Rejection | undefined> => {
  const end = await endOfHold(transferId, from);
  if (end === undefined) return undefined;
  const code = RejectionCode.parse(end === 'never_held' ? 'not_held' : `hold_${end}`);
  const detail =
    end === 'never_held'
      ? `Transfer ${transferId} was never held.`
      : `The hold of transfer ${transferId} ${end === 'expired' ? 'has' : 'was'} ${end}.`;
  return { code, detail };
};

/** The hold has ended, and how cannot be told. */
export const notKnownYet: Problem = {
  code: 'try_again',
  detail: 'Nothing was done: the hold has ended, and how is not known yet. Ask again.',
  headers: { 'Retry-After': '1' },
};
