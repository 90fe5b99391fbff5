import type { ProblemBody, ProblemCode } from '../functions/http/answer/problem.ts';
import type { HeaderName } from './headers.ts';

/** What a problem says besides what its code says already. */
type Particulars = Omit<ProblemBody, 'type' | 'title' | 'status' | 'code'>;

/** An example of every problem that some route answers. */
export const problems = {
  validation_failed: {
    detail: 'amount must be an integer in minor units, 1 to 9007199254740991.',
    instance: '/accounts/a1/deposits',
    errors: [
      { path: 'amount', message: 'must be an integer in minor units, 1 to 9007199254740991' },
    ],
  },
  malformed_json: {
    detail:
      'The body cannot be read as JSON in UTF-8, each name once in its object and none of them ' +
      '__proto__.',
    instance: '/accounts/a1/deposits',
  },
  forbidden: {
    detail: 'This takes the scope ledger:read, which the token does not have.',
    instance: '/accounts/a1',
  },
  account_not_found: { detail: 'There is no account a1.', instance: '/accounts/a1' },
  version_not_found: {
    detail: 'Account a1 is at version 4, and has not reached 5.',
    instance: '/accounts/a1',
    currentVersion: 4,
  },
  transfer_not_found: { detail: 'There is no transfer t1.', instance: '/transfers/t1' },
  command_not_found: {
    detail: 'Account a1 has no command c1.',
    instance: '/accounts/a1/commands/c1',
  },
  account_already_exists: { detail: 'There is an account a1 already.', instance: '/accounts' },
  command_in_progress: {
    detail:
      'A request with the same Idempotency-Key is being decided. Send this one again ' +
      'to hear its outcome.',
    instance: '/accounts/a1/deposits',
  },
  version_mismatch: {
    detail: 'Account a1 is at version 8, which If-Match does not name.',
    instance: '/accounts/a1/withdrawals',
    currentVersion: 8,
  },
  body_too_large: {
    detail: 'The body has 20000 bytes; at most 16384 are read.',
    instance: '/accounts/a1/deposits',
  },
  unsupported_media_type: {
    detail: 'Send the body as JSON, with Content-Type: application/json.',
    instance: '/accounts/a1/deposits',
  },
  insufficient_funds: {
    detail: '7500 available, 10000 asked for.',
    instance: '/accounts/a1/withdrawals',
    available: 7500,
  },
  currency_mismatch: {
    detail: 'Account a1 is kept in EUR, not in USD.',
    instance: '/accounts/a1/deposits',
  },
  same_account: { detail: 'A transfer needs two accounts; both are a1.', instance: '/transfers' },
  amount_out_of_range: {
    detail: 'The balance would leave the range of amounts that can be kept exactly.',
    instance: '/accounts/a1/deposits',
  },
  account_not_open: { detail: 'Account a1 is frozen.', instance: '/accounts/a1/deposits' },
  account_not_empty: {
    detail: 'Account a1 has a balance of 5 and 0 reserved; to be closed it must have neither.',
    instance: '/accounts/a1/close',
  },
  limit_in_use: {
    detail: '-500 available: the limit cannot fall below what is in use.',
    instance: '/accounts/a1',
    available: -500,
  },
  exceeds_hold: { detail: '2500 is held, 3000 asked for.', instance: '/transfers/t1/capture' },
  hold_expired: {
    detail: 'The hold of transfer t1 ended at 2026-11-28T10:00:03.000Z.',
    instance: '/transfers/t1/capture',
  },
  hold_voided: { detail: 'The hold of transfer t1 was voided.', instance: '/transfers/t1/capture' },
  hold_captured: {
    detail: 'The hold of transfer t1 was captured.',
    instance: '/transfers/t1/void',
  },
  not_held: { detail: 'Transfer t1 was never held.', instance: '/transfers/t1/capture' },
  not_settled: {
    detail: 'Transfer t1 has not paid anything in.',
    instance: '/transfers/t1/reversal',
  },
  already_reversed: {
    detail: '500 of transfer t1 can still be reversed.',
    instance: '/transfers/t1/reversal',
    reversible: 500,
  },
  unbalanced_legs: {
    detail:
      'The amounts of the legs must add up to 0: what goes out of some accounts goes into others.',
    instance: '/postings',
  },
  posting_not_found: { detail: 'There is no posting p1.', instance: '/postings/p1' },
  idempotency_key_reused: {
    detail:
      'This key or transferId belongs to an earlier request that was not the same. Use ' +
      'a new one.',
    instance: '/transfers',
  },
  internal_error: {
    detail:
      'Whether this was done is not known. Look at the account before sending it ' +
      'again; an Idempotency-Key would tell.',
    instance: '/accounts/a1',
  },
  try_again: {
    detail:
      'Not decided in time. Send the same request with the same Idempotency-Key again: ' +
      'it happens once, and that will tell.',
    instance: '/accounts/a1',
  },
} as const satisfies Partial<Record<ProblemCode, Particulars>>;

/** A problem that some route answers. */
export type ProblemWithExample = keyof typeof problems;

/** An error that several routes answer, and what is said of it. */
export interface ErrorResponse {
  readonly status: number;
  readonly description: string;
  /** The problems that the API itself answers with it. */
  readonly codes?: readonly ProblemWithExample[];
  /** What the gateway answers by itself with it. */
  readonly gateway?: string;
  /** Besides those that every error has. */
  readonly headers?: readonly HeaderName[];
}

/** The errors of all routes. */
export const errors = {
  BadRequest: {
    status: 400,
    description:
      'The request is not valid; `errors` names what is wrong with it. A header that ' +
      'comes once and came twice is among that, and `If-None-Match`. With ' +
      '`application/json`, by the gateway: it cannot be read as HTTP, or its path ' +
      'cannot be decoded. Nothing was done. Do not send it again as it is.',
    codes: ['validation_failed', 'malformed_json'],
    gateway: 'Bad Request',
  },
  BadParameters: {
    status: 400,
    description:
      'The request is not valid; `errors` names what is wrong with it. With ' +
      '`application/json`, by the gateway: it cannot be read as HTTP, or its path ' +
      'cannot be decoded. Nothing was done. Do not send it again as it is.',
    codes: ['validation_failed'],
    gateway: 'Bad Request',
  },
  Unauthenticated: {
    status: 401,
    description:
      'By the gateway: there is no token, or not a valid one (issuer, audience, signature, time). ' +
      'Nothing was done. Send it again with a valid token.',
    gateway: 'Unauthorized',
    headers: ['WWWAuthenticate'],
  },
  Forbidden: {
    status: 403,
    description:
      'The token lacks the scope that this takes, or names no caller. Nothing was done, and no ' +
      'key was claimed. Do not send it again with that token.',
    codes: ['forbidden'],
  },
  AccountNotFound: {
    status: 404,
    description: "There is no such account, there was none then, or it is not the caller's.",
    codes: ['account_not_found'],
    headers: ['IdempotencyReplayed'],
  },
  AccountOrVersionNotFound: {
    status: 404,
    description:
      "There is no such account, there was none then, or it is not the caller's; or, with " +
      '`version`, it has not got so far: `currentVersion` says how far it has.',
    codes: ['account_not_found', 'version_not_found'],
  },
  TransferNotFound: {
    status: 404,
    description: "There is no such transfer, or neither side of it is the caller's.",
    codes: ['transfer_not_found'],
  },
  TransferOrDestinationNotFound: {
    status: 404,
    description:
      "There is no such transfer, or neither side of it is the caller's; or, of a dry run, there " +
      'is no such destination.',
    codes: ['transfer_not_found', 'account_not_found'],
  },
  CommandNotFound: {
    status: 404,
    description: "There is no such command, or its account is not the caller's.",
    codes: ['command_not_found'],
  },
  AccountExists: {
    status: 409,
    description:
      'There is such an account already; or the same command is being decided, and ' +
      'then `Retry-After` says when to ask again.',
    codes: ['account_already_exists', 'command_in_progress'],
    headers: ['RetryAfterOfInProgress', 'IdempotencyReplayed'],
  },
  InProgress: {
    status: 409,
    description: 'The same command is being decided.',
    codes: ['command_in_progress'],
    headers: ['RetryAfter'],
  },
  VersionMismatch: {
    status: 412,
    description: 'The account is not at the version that `If-Match` names.',
    codes: ['version_mismatch'],
  },
  BodyTooLarge: {
    status: 413,
    description:
      'The body is larger than 16 KiB. With `application/json`, by the gateway: the ' +
      'body is larger than 10 MB, or than the 6 MB that a function takes. Nothing was done. Do ' +
      'not send it again as it is.',
    codes: ['body_too_large'],
    gateway: 'Request Entity Too Large',
  },
  UnsupportedMediaType: {
    status: 415,
    description:
      'The body is not sent as `application/json`, or it is sent in an encoding ' +
      '(`Content-Encoding`), of which none is understood.',
    codes: ['unsupported_media_type'],
    headers: ['AcceptEncoding'],
  },
  KeyReused: {
    status: 422,
    description: 'The key belongs to another request.',
    codes: ['idempotency_key_reused'],
    headers: ['IdempotencyReplayed'],
  },
  DepositRefused: {
    status: 422,
    description: 'The account cannot take it.',
    codes: [
      'currency_mismatch',
      'amount_out_of_range',
      'account_not_open',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  WithdrawalRefused: {
    status: 422,
    description: 'The account cannot pay it.',
    codes: [
      'insufficient_funds',
      'currency_mismatch',
      'amount_out_of_range',
      'account_not_open',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  TransferRefused: {
    status: 422,
    description: 'The source cannot pay it, or the hold would end before it begins.',
    codes: [
      'insufficient_funds',
      'currency_mismatch',
      'same_account',
      'amount_out_of_range',
      'account_not_open',
      'hold_expired',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  AmendmentRefused: {
    status: 422,
    description: 'More of the overdraft is in use, or the account is closed.',
    codes: ['limit_in_use', 'account_not_open'],
  },
  NotOpen: {
    status: 422,
    description: 'The account is closed.',
    codes: ['account_not_open', 'idempotency_key_reused'],
    headers: ['IdempotencyReplayed'],
  },
  ClosingRefused: {
    status: 422,
    description: 'The account is not empty, or it is frozen.',
    codes: ['account_not_empty', 'account_not_open', 'idempotency_key_reused'],
    headers: ['IdempotencyReplayed'],
  },
  TotalOutOfRange: {
    status: 422,
    description: 'What came in or went out is more than a number keeps exactly.',
    codes: ['amount_out_of_range'],
  },
  CaptureRefused: {
    status: 422,
    description:
      'There is no such hold any more, or less is held, or the source is frozen; or, of a dry run, ' +
      'the destination cannot take it.',
    codes: [
      'exceeds_hold',
      'hold_expired',
      'hold_voided',
      'hold_captured',
      'not_held',
      'account_not_open',
      'currency_mismatch',
      'amount_out_of_range',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  VoidRefused: {
    status: 422,
    description: 'There is no such hold any more.',
    codes: ['hold_expired', 'hold_voided', 'hold_captured', 'not_held', 'idempotency_key_reused'],
    headers: ['IdempotencyReplayed'],
  },
  ReversalRefused: {
    status: 422,
    description: 'The transfer was not credited, or is reversed, or its destination cannot pay.',
    codes: [
      'not_settled',
      'already_reversed',
      'insufficient_funds',
      'amount_out_of_range',
      'account_not_open',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  PostingRefused: {
    status: 422,
    description: 'The legs do not add up to 0, or an account refuses its own: `leg` is its index.',
    codes: [
      'unbalanced_legs',
      'account_not_found',
      'insufficient_funds',
      'currency_mismatch',
      'amount_out_of_range',
      'account_not_open',
      'idempotency_key_reused',
    ],
    headers: ['IdempotencyReplayed'],
  },
  PostingNotFound: {
    status: 404,
    description: 'There is no such posting, or none of its accounts is the caller’s.',
    codes: ['posting_not_found'],
  },
  InternalError: {
    status: 500,
    description:
      'Something went wrong here. Nothing internal is told; the log has it under the ' +
      'correlation id. Of a command that was sent with neither an `Idempotency-Key` ' +
      "nor a `transferId` of the client's own it is not known whether it was done: " +
      'look at the account before sending it again. With `application/json`, by the ' +
      'gateway: the function behind it broke off. Whether anything was done is not ' +
      'known. Send the same request again with the same `Idempotency-Key` or ' +
      '`transferId`, as the client has sent it: it happens once, and that will tell. ' +
      'Of a command that had neither: look at the account first.',
    codes: ['internal_error'],
    gateway: 'Internal Server Error',
  },
  TryAgain: {
    status: 503,
    description:
      'Nothing was done, or the same request with the same `Idempotency-Key` or ' +
      '`transferId`, as the client has sent it, will tell: `detail` says which. With ' +
      '`application/json`, by the gateway, without `Retry-After`: the function behind ' +
      'it did not answer within 30 seconds, or none was free. Whether anything was ' +
      'done is not known. After a pause, as with 429, send the same request again with ' +
      'the same `Idempotency-Key` or `transferId`, as the client has sent it: it ' +
      'happens once, and that will tell. Of a command that had neither: look at the ' +
      'account first.',
    codes: ['try_again'],
    gateway: 'Service Unavailable',
    headers: ['RetryAfterOfProblem'],
  },
  GatewayBadRequest: {
    status: 400,
    description:
      'By the gateway: it cannot be read as HTTP, or its path cannot be decoded. ' +
      'Nothing was done. Do not send it again as it is.',
    gateway: 'Bad Request',
  },
  GatewayBodyTooLarge: {
    status: 413,
    description:
      'By the gateway: the body is larger than 10 MB, or than the 6 MB that a function takes. ' +
      'Nothing was done. Do not send it again as it is.',
    gateway: 'Request Entity Too Large',
  },
  TooManyRequests: {
    status: 429,
    description:
      'By the gateway: more requests come than the stage lets through. Nothing was ' +
      'done. Send it again after a pause, with the same `Idempotency-Key`; after every ' +
      'further 429 pause twice as long, and not all clients equally long.',
    gateway: 'Too Many Requests',
  },
  HeadersTooLarge: {
    status: 431,
    description:
      'By the gateway: the request line and the headers have more than 10,240 bytes ' +
      'together. Nothing was done. Do not send it again as it is: leave cookies and ' +
      'other headers out that are not listed here.',
    gateway: 'Request Header Fields Too Large',
  },
  GatewayUnavailable: {
    status: 503,
    description:
      'By the gateway: the function behind it did not answer within 30 seconds, or ' +
      'none was free. After a pause, as with 429, send it again.',
    gateway: 'Service Unavailable',
  },
} as const satisfies Record<string, ErrorResponse>;

/** The name of an error among the document's components. */
export type ErrorName = keyof typeof errors;
