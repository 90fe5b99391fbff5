import middy from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Caller } from '../../events/values.ts';
import { correlation } from './correlation.ts';
import { failures } from './failures.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpContext } from './http-middleware.ts';
import { identity } from './identity.ts';
import { logger, observation } from './observation.ts';
import { isProblem, type Problem, problemAnswer } from './problem.ts';
import { type RequestSchema, readRequest } from './validation.ts';

/** Who sent a request, and the id that ties together everything it causes. */
export interface Sender {
  readonly caller: Caller;
  readonly correlationId: string;
}

/** What Lambda invokes for a request to the HTTP API (payload 2.0). */
export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpAnswer>;

/** So long before Lambda would cut the request off, it is answered after all; milliseconds. */
const LAST_MOMENT = 250;

/**
 * Puts a route behind the chain that all of them share: correlation id, logs and metrics, identity, validation, and
 * errors as `application/problem+json`.
 * @param schema what the route takes; anything else is answered before `respond` hears of it.
 * @param respond the route itself: a function of the request. It returns what it expects to go wrong, as a {@link
 * Problem}; what it throws is logged and answered 500.
 * @param identify names the caller; passed in for tests only.
 */
export const httpHandler = <Input>(
  schema: RequestSchema<Input>,
  respond: (input: Input, sender: Sender) => Promise<HttpAnswer | Problem>,
  identify = identity,
): HttpHandler => {
  const outcome = async (event: APIGatewayProxyEventV2, { caller, correlationId }: HttpContext) => {
    if (correlationId === undefined) throw new Error('the correlation middleware has not run');
    if (caller === undefined) return UNAUTHENTICATED;
    const request = readRequest(schema, event);
    return request.ok ? respond(request.input, { caller, correlationId }) : request.problem;
  };
  return middy<APIGatewayProxyEventV2, HttpAnswer, Error, HttpContext>(
    async (event: APIGatewayProxyEventV2, context: HttpContext) => {
      const answer = await outcome(event, context);
      if (!isProblem(answer)) return answer;
      logger.appendKeys({ problem: answer.code });
      return problemAnswer(answer, event.rawPath);
    },
    { timeoutEarlyInMillis: LAST_MOMENT },
  )
    .use(observation())
    .use(correlation())
    .use(failures())
    .use(identify());
};

const UNAUTHENTICATED: Problem = { code: 'unauthenticated', detail: 'Say who you are.' };
