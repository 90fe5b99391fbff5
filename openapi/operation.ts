import * as z from 'zod/mini';
import type { Scope } from '../functions/http/identity/scope.ts';
import { CommandStatus } from '../functions/queries/get-command.ts';
import type { TagName } from './about.ts';
import type { ErrorName } from './errors.ts';
import { commands } from './examples.ts';
import type { HeaderName } from './headers.ts';

/** What a route answers where nothing is wrong. */
export interface Answer {
  readonly description: string;
  /** Besides `X-Correlation-Id`. */
  readonly headers: readonly HeaderName[];
  /** Absent: there is no body. */
  readonly schema?: z.ZodMiniType;
  /** Absent: `application/json`. */
  readonly mediaType?: 'text/html';
  /** Whether it may come as CSV too. */
  readonly csv?: true;
  readonly examples?: Readonly<Record<string, object>>;
}

/** What the document says of a route. Its method, path and function are the catalogue's. */
export interface Operation {
  /** Where the function's name is no verb, and so no name for a call. */
  readonly operationId?: string;
  readonly tag: TagName;
  readonly summary: string;
  readonly description?: string;
  /** What a caller needs to ask it, or one of several; `undefined`: anybody may, without a token. */
  readonly scope: Scope | readonly Scope[] | undefined;
  /** The schema that the handler reads requests with. */
  readonly request: z.ZodMiniType;
  /** Of the body. */
  readonly examples?: Readonly<Record<string, object>>;
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly errors: readonly ErrorName[];
}

/** What every command may be answered, also one on several accounts, of which none has a version. */
export const errorsOfSeveral = [
  'BadRequest',
  'Unauthenticated',
  'Forbidden',
  'BodyTooLarge',
  'UnsupportedMediaType',
  'TooManyRequests',
  'HeadersTooLarge',
  'InternalError',
  'TryAgain',
] as const satisfies readonly ErrorName[];

/** What every command on one account may be answered. */
export const errorsOfCommands = [
  ...errorsOfSeveral,
  'VersionMismatch',
] as const satisfies readonly ErrorName[];

/** What every query may be answered. */
export const errorsOfQueries = [
  'BadParameters',
  'Unauthenticated',
  'Forbidden',
  'GatewayBodyTooLarge',
  'TooManyRequests',
  'HeadersTooLarge',
  'InternalError',
  'TryAgain',
] as const satisfies readonly ErrorName[];

/** What may be answered where nothing is looked at, of the request nor of the tables. */
export const errorsOfService = [
  'GatewayBadRequest',
  'GatewayBodyTooLarge',
  'TooManyRequests',
  'HeadersTooLarge',
  'InternalError',
  'GatewayUnavailable',
] as const satisfies readonly ErrorName[];

export const pending: Answer = {
  description:
    'The account is one that many commands meet on, and this one is pending on it. ' +
    '`Location` names the place that will have its outcome.',
  headers: ['Location', 'RetryAfterOfPending'],
  schema: CommandStatus,
  examples: { pending: commands.pending },
};

/** What was asked for is done, or pending on an account that many commands meet on. */
export const pendingOrDone = (
  description: string,
  schema: z.ZodMiniType,
  examples: Readonly<Record<string, object>>,
  headers: readonly HeaderName[] = [],
): Answer => ({
  description: `${description} Or, on an account that many commands meet on, the request still waits to be decided: then \`Location\` names the place that will have its outcome.`,
  headers: ['RetryAfterOfPending', ...headers, 'IdempotencyReplayed', 'DryRun'],
  schema: z.union([schema, CommandStatus]),
  examples: { ...examples, pending: commands.pending },
});

export const notModified: Answer = { description: 'The client has it already.', headers: ['ETag'] };
