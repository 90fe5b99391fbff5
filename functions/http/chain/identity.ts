import { Caller } from '../../../events/values.ts';
import type { HttpMiddleware } from './http-middleware.ts';

const LOCAL = Caller.parse('local');

/**
 * Names the caller. Until callers prove who they are, everybody is `local`; a caller left without a
 * name is answered 401.
 */
export const identity = (): HttpMiddleware => ({
  before: ({ context }) => {
    context.caller = LOCAL;
  },
});
