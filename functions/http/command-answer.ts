import type { CommandResult } from '../store/deciding/command-result.ts';
import type { ClientCommand } from './execute-command.ts';
import { type HttpAnswer, json } from './http-answer.ts';
import type { Problem } from './problem.ts';

type Accepted = Extract<CommandResult, { outcome: 'accepted' }>;

/**
 * The answer to an accepted command: what was recorded with it, the same every time.
 * @param result what became of the command.
 * @param statusCode 201, or 202 where more is to come.
 * @param headers those of the answer, such as `ETag`.
 */
export const acceptance = (
  result: Accepted,
  statusCode: 201 | 202,
  headers: Readonly<Record<string, string>>,
): HttpAnswer => {
  if (result.answer === undefined) throw new Error('an accepted command of a client has an answer');
  return json(statusCode, result.answer, { ...headers, ...replayedHeader(result) });
};

/** `Idempotency-Replayed: true` where the command was decided earlier. */
export const replayedHeader = ({ replayed }: { readonly replayed: boolean }): Record<string, string> =>
  replayed ? { 'Idempotency-Replayed': 'true' } : {};

/**
 * The answer to a command that was not accepted: an error, or, where it still waits for a hot account, 202 with the
 * place that will have its outcome.
 * @param request the command.
 * @param result what became of it.
 */
export const nonAcceptance = (
  { command, keys = [] }: ClientCommand,
  result: Exclude<CommandResult, Accepted>,
): HttpAnswer | Problem => {
  switch (result.outcome) {
    case 'rejected': {
      const { code, detail, available } = result.rejection;
      return { code, detail, available, headers: replayedHeader(result) };
    }
    case 'version_mismatch': {
      const { currentVersion } = result;
      if (currentVersion === 0 && command.type !== 'open') return accountNotFound(command.accountId);
      return {
        code: 'version_mismatch',
        detail: `Account ${command.accountId} is at version ${currentVersion}, which If-Match does not name.`,
        currentVersion,
      };
    }
    case 'key_reused':
      return idempotencyKeyReused;
    case 'pending': {
      const { streamId: accountId, commandId } = result.key;
      const body = { accountId, commandId, status: 'pending' };
      return json(202, body, { Location: `/accounts/${accountId}/commands/${commandId}`, 'Retry-After': '1' });
    }
    case 'in_progress':
      return {
        code: 'command_in_progress',
        detail: 'A request with the same key is being decided. Send this one again to hear its outcome.',
        headers: { 'Retry-After': '1' },
      };
    case 'undecided':
      return undecided(result.reason, keys.length > 0);
  }
};

/** There is no such account, or there was none then. */
export const accountNotFound = (accountId: string): Problem => ({
  code: 'account_not_found',
  detail: `There is no account ${accountId}.`,
});

/** The key, or the transfer's id, was used for another request. */
export const idempotencyKeyReused: Problem = {
  code: 'idempotency_key_reused',
  detail: 'This key or transferId belongs to an earlier request that was not the same. Use a new one.',
};

/**
 * A 503 promises that nothing was done or that a key will tell. Without a key, a write whose result is unknown keeps
 * neither promise, so it is a 500.
 */
const undecided = (reason: Extract<CommandResult, { outcome: 'undecided' }>['reason'], keyed: boolean): Problem => {
  if (reason === 'commit_too_large') {
    return {
      code: 'try_again',
      detail: 'Nothing was done: the account has too many transfers under way. Try again once some have ended.',
      headers: { 'Retry-After': '60' },
    };
  }
  if (keyed) {
    return {
      code: 'try_again',
      detail:
        'Not decided in time. Send the same request with the same key again: it happens once, and that will tell.',
      headers: { 'Retry-After': '1' },
    };
  }
  if (reason === 'unknown') {
    return {
      code: 'internal_error',
      detail:
        'Whether this was done is not known. Look at the account before sending it again; an Idempotency-Key would tell.',
    };
  }
  return {
    code: 'try_again',
    detail: 'Not decided in time, and nothing was done. Send it again, best with an Idempotency-Key.',
    headers: { 'Retry-After': '1' },
  };
};
