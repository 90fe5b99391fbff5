import type { HttpMiddleware } from '../chain/http-middleware.ts';
import { type Callers, identify } from './callers.ts';

/** Finds out who sends the request, and what that caller may do: the one place that knows. */
export const identity = (callers: Callers): HttpMiddleware => ({
  before: ({ event, context }) => {
    const { caller, scopes } = identify(callers, event);
    context.caller = caller;
    context.scopes = scopes;
  },
});
