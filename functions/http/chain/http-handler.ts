import middy from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Caller } from '../../../events/values.ts';
import type { HttpTelemetry, RequestTelemetry } from '../../runtime/telemetry.ts';
import type { HttpAnswer } from '../answer/http-answer.ts';
import { isProblem, type Problem, problemAnswer } from '../answer/problem.ts';
import { repeatableBy } from '../answer/repeatable.ts';
import { type RequestSchema, readRequest } from '../request/validation.ts';
import { correlation } from './correlation.ts';
import { failures } from './failures.ts';
import type { HttpContext } from './http-middleware.ts';
import { identity } from './identity.ts';
import { observation } from './observation.ts';

/** A request's sender, the id that ties together all it causes, and what its answer may promise. */
export interface Sender {
  readonly caller: Caller;
  readonly correlationId: string;
  /** Where this request's lines and metrics go. */
  readonly telemetry: RequestTelemetry;
  /**
   * What the client sent that makes the request safe to send again, in words; see `repeatableBy`.
   */
  readonly repeatableBy: string | undefined;
}

/** What Lambda invokes for a request to the HTTP API (payload 2.0). */
export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpAnswer>;

/** How long before Lambda would cut the request off the chain answers it; milliseconds. */
const LAST_MOMENT_MS = 250;

/**
 * Puts a route behind the chain that all of them share: correlation id, logs and metrics, identity,
 * validation, and errors as `application/problem+json`.
 * @param telemetry takes what became of every request.
 * @param schema what the route takes; the chain answers anything else before `respond` hears of it.
 * @param respond the route itself: a function of the request. It returns what it expects to go
 *   wrong, as a {@link Problem}; what it throws is logged and answered 500.
 * @param identify names the caller; passed in for tests only.
 */
export const httpHandler = <Input>(
  telemetry: HttpTelemetry,
  schema: RequestSchema<Input>,
  respond: (input: Input, sender: Sender) => Promise<HttpAnswer | Problem>,
  identify = identity,
): HttpHandler => {
  const outcome = async (event: APIGatewayProxyEventV2, context: HttpContext) => {
    const { caller, correlationId, telemetry } = context;
    if (correlationId === undefined || telemetry === undefined)
      throw new Error('the middleware has not run');
    if (caller === undefined) return UNAUTHENTICATED;
    const request = readRequest(schema, event);
    if (!request.ok) return request.problem;
    context.repeatableBy = repeatableBy(request.input);
    return respond(request.input, {
      caller,
      correlationId,
      telemetry,
      repeatableBy: context.repeatableBy,
    });
  };
  return middy<APIGatewayProxyEventV2, HttpAnswer, Error, HttpContext>(
    async (event: APIGatewayProxyEventV2, context: HttpContext) => {
      const answer = await outcome(event, context);
      if (!isProblem(answer)) return answer;
      context.problem = answer.code;
      return problemAnswer(answer, event.rawPath);
    },
    { timeoutEarlyInMillis: LAST_MOMENT_MS },
  )
    .use(correlation())
    .use(observation(telemetry))
    .use(failures())
    .use(identify());
};

const UNAUTHENTICATED: Problem = { code: 'unauthenticated', detail: 'Say who you are.' };
