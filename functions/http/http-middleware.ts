import type middy from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Caller } from '../../events/values.ts';
import type { HttpAnswer } from './http-answer.ts';

/** Lambda's context, with what the chain finds out about the request on the way to the handler. */
export interface HttpContext extends Context {
  /** When the chain began, in milliseconds of `performance.now()`. */
  startedAt?: number;
  correlationId?: string;
  /** Who asks; left out where identity does not know them. */
  caller?: Caller;
}

/** One link of the chain that every HTTP Lambda shares. */
export type HttpMiddleware = middy.MiddlewareObj<APIGatewayProxyEventV2, HttpAnswer, Error, HttpContext>;
