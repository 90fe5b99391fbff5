import type { HttpAnswer } from './http-answer.ts';
import { instanceOf } from './instance.ts';

/**
 * Every error that this API answers: its stable code, and the status and title that belong to it.
 * It is the contract's table, and 500.
 */
export const PROBLEMS = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  malformed_json: { status: 400, title: 'The body is not JSON' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  account_not_found: { status: 404, title: 'There is no such account' },
  version_not_found: { status: 404, title: 'The account has not reached that version' },
  posting_not_found: { status: 404, title: 'There is no such posting' },
  transfer_not_found: { status: 404, title: 'There is no such transfer' },
  command_not_found: { status: 404, title: 'There is no such command' },
  route_not_found: { status: 404, title: 'There is no such route' },
  method_not_allowed: { status: 405, title: 'The path does not answer this method' },
  account_already_exists: { status: 409, title: 'The account exists already' },
  command_in_progress: { status: 409, title: 'The same command is being decided' },
  version_mismatch: { status: 412, title: 'The account is at another version' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  insufficient_funds: { status: 422, title: 'There is not enough money available' },
  currency_mismatch: { status: 422, title: 'The account is kept in another currency' },
  same_account: { status: 422, title: 'A transfer needs two accounts' },
  amount_out_of_range: { status: 422, title: 'The amount leaves the range that is kept exactly' },
  account_not_open: { status: 422, title: 'The account is not open' },
  account_not_empty: { status: 422, title: 'The account is not empty' },
  limit_in_use: { status: 422, title: 'More of the overdraft is in use' },
  exceeds_hold: { status: 422, title: 'Less is held' },
  hold_expired: { status: 422, title: 'The hold has expired' },
  hold_voided: { status: 422, title: 'The hold was voided' },
  hold_captured: { status: 422, title: 'The hold was captured' },
  not_held: { status: 422, title: 'The transfer is not held' },
  not_settled: { status: 422, title: 'The transfer was not credited' },
  already_reversed: { status: 422, title: 'Less of the transfer is left to reverse' },
  unbalanced_legs: { status: 422, title: 'The legs do not add up to nothing' },
  idempotency_key_reused: { status: 422, title: 'The key belongs to another request' },
  internal_error: { status: 500, title: 'Something went wrong here' },
  try_again: { status: 503, title: 'Not now' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

/** The code of an error, stable for ever: what clients match on. */
export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong with a request: which field, parameter or header, and why. */
export interface InvalidPart {
  readonly path: string;
  readonly message: string;
}

/** An error as a value, before it is put into words for HTTP. */
export interface Problem {
  readonly code: ProblemCode;
  /** Where it is another than the code's own. */
  readonly status?: number | undefined;
  /**
   * One or two sentences for the client's developer: what happened and what to do. Nothing
   * internal.
   */
  readonly detail: string;
  /**
   * The account's balance less its reservations, in minor units: the most that a command could have
   * taken without the overdraft.
   */
  readonly available?: number | undefined;
  readonly currentVersion?: number | undefined;
  /** How much of a transfer can still be reversed, in minor units. */
  readonly reversible?: number | undefined;
  /** The index of the leg for which a posting is refused. */
  readonly leg?: number | undefined;
  readonly errors?: readonly InvalidPart[] | undefined;
  /** Headers that go with it, `Retry-After` (seconds) among them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The body of an error (RFC 9457). */
export interface ProblemBody extends Omit<Problem, 'headers' | 'status'> {
  /** A URI that stands for the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The path that was asked for, as a URI reference. */
  readonly instance: string;
}

/** Whether what a handler returned is an error. */
export const isProblem = (outcome: HttpAnswer | Problem): outcome is Problem => 'code' in outcome;

/**
 * Renders an error as `application/problem+json` (RFC 9457).
 * @param problem what is wrong.
 * @param rawPath the path that was asked for, as API Gateway hands it over.
 */
export const problemAnswer = (problem: Problem, rawPath: string): HttpAnswer => {
  const { code, detail, available, currentVersion, reversible, leg, errors, headers } = problem;
  const { title } = PROBLEMS[code];
  const { status = PROBLEMS[code].status } = problem;
  const body: ProblemBody = {
    type: `urn:holdfast:problem:${code}`,
    title,
    status,
    detail,
    instance: instanceOf(rawPath),
    code,
    available,
    currentVersion,
    reversible,
    leg,
    errors,
  };
  return {
    statusCode: status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...headers,
    },
    // `undefined` members are left out.
    body: JSON.stringify(body),
  };
};
