import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';

/** What a JWT authorizer of an HTTP API verifies tokens by. */
export interface AuthorizerSettings {
  /** The `iss` of tokens. */
  readonly issuer: () => string;
  /** A token is for this API where its `aud`, or without one its `client_id`, is one of these. */
  readonly audience: readonly string[];
  /** The issuer's public keys as they are now: a key that is gone from them verifies nothing more. */
  readonly keySet: () => JSONWebKeySet;
  /** In milliseconds since 1970. */
  readonly clock: () => number;
}

/** What an authorizer says of a request. */
type Authorization =
  | { readonly ok: true; readonly claims: Readonly<Record<string, string>> }
  /** 401, with this in `WWW-Authenticate`. */
  | { readonly ok: false; readonly challenge: string };

/** @param header the request's `Authorization`; several are joined by a comma. */
export type Authorize = (header: string | undefined) => Promise<Authorization>;

/**
 * API Gateway verifies signatures of RSA keys alone
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html). This
 * one takes the algorithm that every provider signs with. A token has no say in it: `none`, or an
 * HMAC whose secret is the public key, are other algorithms.
 */
const ALGORITHMS = ['RS256'];

/**
 * Verifies tokens as the JWT authorizer of an HTTP API does: signature, by the key that `kid` names;
 * `iss`; `aud` or `client_id`; `exp`, which has to be there; `nbf` and `iat`. AWS says nothing of a
 * tolerance between clocks, so there is none.
 *
 * AWS takes a token that stands alone in the header as well, without `Bearer`. The contract of an API
 * asks for `Bearer` (RFC 6750), and so does this.
 */
export const createAuthorizer = ({
  issuer,
  audience,
  keySet,
  clock,
}: AuthorizerSettings): Authorize => {
  let known: JSONWebKeySet | undefined;
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  /** Tokens that were good, under these keys: their signatures stay so. */
  const verified = new Map<string, JWTPayload>();
  const keysNow = () => {
    const current = keySet();
    if (keys === undefined || current !== known) {
      keys = createLocalJWKSet(current);
      verified.clear();
    }
    known = current;
    return keys;
  };

  return async (header) => {
    if (header === undefined || header === '') return { ok: false, challenge: 'Bearer' };
    const [, token] = /^bearer +(\S+)$/i.exec(header) ?? [];
    if (token === undefined) return invalid('the header is not Bearer and a token');
    const now = clock();
    const current = keysNow();
    const before = verified.get(token);
    if (before && isInTime(before, now)) return { ok: true, claims: asTexts(before) };
    try {
      const { payload, protectedHeader } = await jwtVerify(token, current, {
        algorithms: ALGORITHMS,
        issuer: issuer(),
        requiredClaims: ['exp'],
        clockTolerance: 0,
        currentDate: new Date(now),
      });
      if (protectedHeader.kid === undefined) return invalid('the token names no key');
      if ((payload.iat ?? 0) > now / 1000) return invalid('the token is from a time ahead');
      if (!isFor(payload, audience)) return invalid('the token does not have a valid audience');
      if (verified.size >= MOST_VERIFIED) verified.clear();
      verified.set(token, payload);
      return { ok: true, claims: asTexts(payload) };
    } catch (error) {
      return invalid(whyOf(error));
    }
  };
};

const MOST_VERIFIED = 1_000;

/** Whether a token that was good is so still; where not, it is verified again, which says why. */
const isInTime = ({ exp = 0, nbf = 0, iat = 0 }: JWTPayload, now: number): boolean =>
  exp > Math.floor(now / 1000) && Math.max(nbf, iat) <= now / 1000;

const isFor = ({ aud, client_id: clientId }: JWTPayload, audience: readonly string[]): boolean =>
  (aud === undefined ? [clientId] : [aud].flat()).some(
    (name) => typeof name === 'string' && audience.includes(name),
  );

const invalid = (why: string): Authorization => ({
  ok: false,
  challenge: `Bearer scope="" error="invalid_token" error_description="${why}"`,
});

const whyOf = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'iss'
      ? 'the token is of another issuer'
      : error.claim === 'nbf'
        ? 'the token is not valid yet'
        : 'a claim of the token is missing or not valid';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is not signed with RS256';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is not valid';
  return 'the token cannot be read';
};

/** Payload 2.0 has every claim as text: a list in brackets, its elements apart by a space. */
const asTexts = (payload: JWTPayload): Record<string, string> =>
  Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, asText(value)]));

const asText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(asText).join(' ')}]`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
};
