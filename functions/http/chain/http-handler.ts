import middy from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { Caller } from '../../../events/values.ts';
import type { HttpTelemetry, RequestTelemetry } from '../../runtime/telemetry.ts';
import type { HttpAnswer } from '../answer/http-answer.ts';
import { isProblem, type Problem, problemAnswer } from '../answer/problem.ts';
import { repeatableBy } from '../answer/repeatable.ts';
import type { Callers } from '../identity/callers.ts';
import { identity } from '../identity/identity.ts';
import type { Scope } from '../identity/scope.ts';
import { type RequestSchema, readRequest } from '../request/validation.ts';
import { correlation } from './correlation.ts';
import { failures } from './failures.ts';
import type { HttpContext, HttpMiddleware } from './http-middleware.ts';
import { observation } from './observation.ts';

/** A request's sender, the id that ties together all it causes, and what its answer may promise. */
export interface Sender {
  readonly caller: Caller;
  /**
   * Whose accounts the sender may read and take money from: the caller's own. Absent for an
   * operator: everybody's.
   */
  readonly onlyFor?: Caller | undefined;
  readonly correlationId: string;
  /** Where this request's lines and metrics go. */
  readonly telemetry: RequestTelemetry;
  /**
   * What the client sent that makes the request safe to send again, in words; see `repeatableBy`.
   */
  readonly repeatableBy: string | undefined;
  /** Whether it has a scope, which `ledger:operate` stands for too. */
  readonly may: (scope: Scope) => boolean;
  /** Whether it only wants to hear what would be answered: nothing may be done for it. */
  readonly isDryRun: boolean;
}

/** What Lambda invokes for a request to the HTTP API (payload 2.0). */
export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpAnswer>;

/** What every route takes whose callers are told apart. */
export interface HttpDependencies {
  /** Takes what became of every request. */
  readonly telemetry: HttpTelemetry;
  readonly callers: Callers;
}

/** How long before Lambda would cut the request off the chain answers it; milliseconds. */
const LAST_MOMENT_MS = 250;

/**
 * Puts a route behind the chain that all of them share: correlation id, logs and metrics, identity,
 * validation, and errors as `application/problem+json`.
 * @param dependencies telemetry, and how callers are told apart.
 * @param scope what a caller needs to ask this route at all, or one of several; `ledger:operate` will
 *   do for any. It is looked at before the body is.
 * @param schema what the route takes; the chain answers anything else before `respond` hears of it.
 * @param respond the route itself: a function of the request. It returns what it expects to go
 *   wrong, as a {@link Problem}; what it throws is logged and answered 500.
 * @param options.mostBodyBytes the largest body that it reads, where it is not the usual one.
 */
export const httpHandler = <Input>(
  { telemetry, callers }: HttpDependencies,
  scope: Scope | readonly Scope[],
  schema: RequestSchema<Input>,
  respond: (input: Input, sender: Sender) => Promise<HttpAnswer | Problem>,
  { mostBodyBytes }: { readonly mostBodyBytes?: number } = {},
): HttpHandler =>
  chain(
    telemetry,
    async (event, context) => {
      const { caller, scopes = new Set() } = context;
      if (caller === undefined) return NAMELESS;
      const isOperator = scopes.has('ledger:operate');
      const wanted = [scope].flat();
      if (!isOperator && !wanted.some((one) => scopes.has(one))) return outOfScope(wanted);
      const request = readRequest(schema, event, mostBodyBytes);
      if (!request.ok) return request.problem;
      context.repeatableBy = repeatableBy(request.input);
      const isDryRun = isRehearsal(request.input);
      const answer = await respond(request.input, {
        caller,
        onlyFor: isOperator ? undefined : caller,
        ...known(context),
        repeatableBy: context.repeatableBy,
        isDryRun,
        may: (one) => isOperator || scopes.has(one),
      });
      return isDryRun && !isProblem(answer) ? rehearsed(answer) : answer;
    },
    [identity(callers)],
  );

/**
 * Puts a route that anybody may ask behind the same chain, without identity.
 * @param telemetry takes what became of every request.
 */
export const publicHandler = <Input>(
  telemetry: HttpTelemetry,
  schema: RequestSchema<Input>,
  respond: (input: Input) => Promise<HttpAnswer | Problem>,
): HttpHandler =>
  chain(telemetry, async (event) => {
    const request = readRequest(schema, event);
    return request.ok ? respond(request.input) : request.problem;
  });

const chain = (
  telemetry: HttpTelemetry,
  outcome: (event: APIGatewayProxyEventV2, context: HttpContext) => Promise<HttpAnswer | Problem>,
  more: readonly HttpMiddleware[] = [],
): HttpHandler =>
  middy<APIGatewayProxyEventV2, HttpAnswer, Error, HttpContext>(
    async (event: APIGatewayProxyEventV2, context: HttpContext) => {
      const answer = await outcome(event, context);
      if (!isProblem(answer)) return answer;
      context.problem = answer.code;
      return problemAnswer(answer, event.rawPath);
    },
    { timeoutEarlyInMillis: LAST_MOMENT_MS },
  ).use([correlation(), observation(telemetry), failures(), ...more]);

/** What the links before it have found out of a request. */
const known = ({ correlationId, telemetry }: HttpContext) => {
  if (correlationId === undefined || telemetry === undefined)
    throw new Error('the middleware has not run');
  return { correlationId, telemetry };
};

const NAMELESS: Problem = {
  code: 'forbidden',
  detail: 'The token names no caller: its sub must be a text of 1 to 128 characters.',
};

const outOfScope = (wanted: readonly Scope[]): Problem => ({
  code: 'forbidden',
  detail: `This takes the scope ${wanted.join(' or ')}, which the token does not have.`,
});

/** Whether a request, as its route's schema reads it, is a dry run. */
const isRehearsal = (input: unknown): boolean => DryRunInput.safeParse(input).success;

const DryRunInput = z.object({ query: z.object({ dryRun: z.literal(true) }) });

/** What would be answered: nothing was made that one could go to, and no version was reached. */
const rehearsed = ({ headers, ...answer }: HttpAnswer): HttpAnswer => {
  const { ETag: _, Location: __, ...others } = headers;
  return { ...answer, statusCode: 200, headers: { ...others, 'Dry-Run': 'true' } };
};
