import type middy from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Caller } from '../../../events/values.ts';
import type { RequestTelemetry } from '../../runtime/telemetry.ts';
import type { HttpAnswer } from '../answer/http-answer.ts';
import type { ProblemCode } from '../answer/problem.ts';
import type { Scope } from '../identity/scope.ts';

/** Lambda's context, with what the chain finds out about the request on the way to the handler. */
export interface HttpContext extends Context {
  /** When the chain began, in milliseconds of `performance.now()`. */
  startedAt?: number;
  correlationId?: string;
  /** Where this request's lines and metrics go. */
  telemetry?: RequestTelemetry;
  /** The caller; left out where identity does not know it. */
  caller?: Caller | undefined;
  /** What the caller may do. */
  scopes?: ReadonlySet<Scope>;
  /**
   * What the client itself sent that makes the request safe to send again, in words; see
   * `repeatableBy`.
   */
  repeatableBy?: string | undefined;
  /** The code of the error that is answered, where the route expected it. */
  problem?: ProblemCode;
}

/** One link of the chain that every HTTP Lambda shares. */
export type HttpMiddleware = middy.MiddlewareObj<
  APIGatewayProxyEventV2,
  HttpAnswer,
  Error,
  HttpContext
>;
