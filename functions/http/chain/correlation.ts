import { cameTwice } from '../request/came-twice.ts';
import type { HttpMiddleware } from './http-middleware.ts';

const PRINTABLE = /^[\x20-\x7e]{1,128}$/;

/**
 * Gives every request its correlation id: the client's `X-Correlation-Id` where it is 1 to 128
 * printable ASCII characters, else the id that API Gateway gave the request. A header that came
 * twice, the same each time, is taken once. The id is on every log line and event that the request
 * causes, and comes back with the answer.
 */
export const correlation = (): HttpMiddleware => {
  const echo: NonNullable<HttpMiddleware['after']> = ({ context, response }) => {
    if (response && context.correlationId)
      response.headers['X-Correlation-Id'] = context.correlationId;
  };
  return {
    before: ({ event, context }) => {
      const header = event.headers['x-correlation-id'];
      const sent = header && (cameTwice(header) ?? header);
      context.correlationId =
        sent !== undefined && PRINTABLE.test(sent) ? sent : event.requestContext.requestId;
    },
    after: echo,
    onError: echo,
  };
};
