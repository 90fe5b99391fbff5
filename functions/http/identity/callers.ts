import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import { Caller } from '../../../events/values.ts';
import { type Scope, scopes } from './scope.ts';

/** How a stage tells its callers apart. */
export type Callers =
  /** By the token that API Gateway's authorizer has verified. */
  | { readonly by: 'token'; readonly scopes: ScopeNames }
  /** Not at all: everybody is `local` and may do everything. */
  | { readonly by: 'nothing' };

/** Our scopes, by the identity provider's own names for them. */
type ScopeNames = ReadonlyMap<string, Scope>;

/** What is known of a request's sender. */
export interface Identified {
  /** Absent: nothing names the sender. */
  readonly caller?: Caller | undefined;
  readonly scopes: ReadonlySet<Scope>;
}

/**
 * Identifies the sender of a request.
 *
 * With tokens: by the claims that the gateway handed over with the request, which no client can put
 * there. `sub` names the caller; a token whose `sub` cannot be a name, and a request without claims,
 * have none. Scopes are in `scope` or, at some providers, `scp`; only names that the stage maps
 * count.
 */
export const identify = (callers: Callers, event: APIGatewayProxyEventV2): Identified => {
  if (callers.by === 'nothing') return LOCAL;
  const claims = Authorized.safeParse(event.requestContext).data?.authorizer.jwt.claims ?? {};
  const granted = [claims['scope'], claims['scp']]
    .flatMap(words)
    .flatMap((name) => callers.scopes.get(name) ?? []);
  return { caller: Caller.safeParse(claims['sub']).data, scopes: new Set(granted) };
};

const LOCAL: Identified = { caller: Caller.parse('local'), scopes: new Set(scopes) };

/** What API Gateway adds to a request whose token it has verified (payload 2.0). */
const Authorized = z.object({
  authorizer: z.object({ jwt: z.object({ claims: z.record(z.string(), z.unknown()) }) }),
});

/** The words of a claim. Payload 2.0 has every claim as text, and a list as `[one two]`. */
const words = (claim: unknown): readonly string[] =>
  typeof claim === 'string' ? claim.replace(/^\[(.*)\]$/s, '$1').split(/\s+/) : [];
