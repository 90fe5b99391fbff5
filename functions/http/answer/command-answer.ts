import * as z from 'zod/mini';
import { type Command, Rejection, RejectionCode } from '../../ledger/account.ts';
import type { CommandResult, UndecidedReason } from '../../store/deciding/command-result.ts';
import { commandIdOf } from '../../store/writing/record-key.ts';
import { type HttpAnswer, json } from './http-answer.ts';
import type { Problem } from './problem.ts';

type Accepted = Extract<CommandResult, { outcome: 'accepted' }>;

/**
 * The answer to an accepted command: what was recorded with it, the same every time.
 * @param result what became of the command.
 * @param statusCode 200, 201 where there is something new, or 202 where more is to come.
 * @param headers those of the answer, such as `ETag`.
 */
export const acceptance = (
  result: Accepted,
  statusCode: 200 | 201 | 202,
  headers: Readonly<Record<string, string>>,
): HttpAnswer => {
  if (result.answer === undefined) throw new Error('an accepted command of a client has an answer');
  return json(statusCode, result.answer, { ...headers, ...replayedHeader(result) });
};

/** `Idempotency-Replayed: true` where the command was decided earlier. */
export const replayedHeader = ({
  replayed,
}: {
  readonly replayed: boolean;
}): Record<string, string> => (replayed ? { 'Idempotency-Replayed': 'true' } : {});

/**
 * The answer to a command that was not accepted: an error, or, where it is pending on a hot
 * account, 202 with the place that will have its outcome.
 * @param command the command.
 * @param result what became of it.
 * @param repeatableBy what the client sent that makes the command happen once, in words; see
 *   `repeatableBy`.
 */
export const nonAcceptance = (
  command: Command,
  result: Exclude<CommandResult, Accepted>,
  repeatableBy: string | undefined,
): HttpAnswer | Problem => {
  switch (result.outcome) {
    case 'rejected': {
      if (result.rejection.code === 'described_anew')
        return { code: 'try_again', detail: result.rejection.detail };
      const rejection = publicRejection(result.rejection);
      // For a posting there may be many reasons of one account each: they are all the posting's.
      const status = rejection.leg === undefined ? undefined : 422;
      return { ...rejection, status, headers: replayedHeader(result) };
    }
    case 'version_mismatch': {
      const { currentVersion } = result;
      if (command.type === 'open') return noVersionToOpenAt;
      // The transfer is there, whatever it names as its destination.
      if (currentVersion === 0 && command.type !== 'reverse')
        return accountNotFound(command.accountId);
      return {
        code: 'version_mismatch',
        detail: `Account ${command.accountId} is at version ${currentVersion}, which If-Match does not name.`,
        currentVersion,
      };
    }
    case 'not_theirs':
      return accountNotFound(command.accountId);
    case 'key_reused':
      return idempotencyKeyReused;
    case 'pending': {
      const { accountId } = command;
      const commandId = commandIdOf(result.key);
      const body = { accountId, commandId, status: 'pending' };
      return json(202, body, {
        Location: `/accounts/${accountId}/commands/${commandId}`,
        'Retry-After': '1',
      });
    }
    case 'in_progress':
      return {
        code: 'command_in_progress',
        detail: `A request with the same ${repeatableBy ?? 'key'} is being decided. Send this one again to hear its outcome.`,
        headers: { 'Retry-After': '1' },
      };
    case 'undecided':
      return undecided(result.reason, repeatableBy);
  }
};

/** A code that is the ledger's own, and no client's to hear. */
type InternalCode = 'hold_ended' | 'described_anew';
type PublicCode = Exclude<RejectionCode, InternalCode>;

const isPublic = (code: RejectionCode): code is PublicCode =>
  code !== 'hold_ended' && code !== 'described_anew';

/** A rejection as clients hear of it: in the codes of the contract. */
export const PublicRejection = z.extend(z.omit(Rejection, { transferId: true }), {
  code: z.enum(RejectionCode.options.filter(isPublic)),
});

/** The rejection in the contract's codes: a hold that has ended is one no more. */
export const publicRejection = ({
  code,
  transferId: _,
  ...said
}: Rejection): z.infer<typeof PublicRejection> => ({
  code: isPublic(code) ? code : 'not_held',
  ...said,
});

/** Whether there is an account of that id already is not told: it may be somebody else's. */
const noVersionToOpenAt: Problem = {
  code: 'version_mismatch',
  detail: 'If-Match holds for no account that is still to be opened.',
};

/** There is no such account, there was none then, or it is not the caller's to know of. */
export const accountNotFound = (accountId: string): Problem => ({
  code: 'account_not_found',
  detail: `There is no account ${accountId}.`,
});

/** The key, or the transfer's id, was used for another request. */
export const idempotencyKeyReused: Problem = {
  code: 'idempotency_key_reused',
  detail:
    'This key or transferId belongs to an earlier request that was not the same. Use a new one.',
};

/**
 * Other code than this wrote the record: nothing may be concluded from it here, and a later try may
 * tell.
 */
export const recordUnreadable: Problem = {
  code: 'try_again',
  detail:
    'What became of this was written down in a form that is not known here yet. Ask again a little later.',
  headers: { 'Retry-After': '10' },
};

/**
 * A 503 promises that nothing was done, or that a repeat will tell. A client without a key cannot
 * repeat, so where the result of its write is unknown neither holds, and it gets a 500.
 */
const undecided = (reason: UndecidedReason, repeatableBy: string | undefined): Problem => {
  switch (reason) {
    case 'commit_too_large':
      return {
        code: 'try_again',
        detail:
          'Nothing was done: the account has too many transfers under way. Try again once some have ended.',
        headers: { 'Retry-After': '60' },
      };
    case 'record_unreadable':
      return repeatableBy === undefined ? notKnown : recordUnreadable;
    case 'unknown':
      return repeatableBy === undefined ? notKnown : repeat(repeatableBy);
    case 'contention':
    case 'throttled':
    case 'unavailable':
      return repeatableBy === undefined ? nothingDone : repeat(repeatableBy);
  }
};

const notKnown: Problem = {
  code: 'internal_error',
  detail:
    'Whether this was done is not known. Look at the account before sending it again; an Idempotency-Key would tell.',
};

const nothingDone: Problem = {
  code: 'try_again',
  detail: 'Not decided in time, and nothing was done. Send it again, best with an Idempotency-Key.',
  headers: { 'Retry-After': '1' },
};

const repeat = (repeatableBy: string): Problem => ({
  code: 'try_again',
  detail: `Not decided in time. Send the same request with the same ${repeatableBy} again: it happens once, and that will tell.`,
  headers: { 'Retry-After': '1' },
});
