import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  SignJWT,
} from 'jose';
import * as z from 'zod/mini';

/** How the issuer is started. */
export interface IssuerOptions {
  /** The issuer's own address: `iss` of its tokens. Asked for when it is needed. */
  readonly url: () => string;
  /** The `client_id` of its tokens: the audience that the template's authorizer asks for. */
  readonly clientId: string;
  /** The provider's names of scopes, by the names that its clients use. */
  readonly scopeNames: ReadonlyMap<string, string>;
  /** The file that keeps the key between runs; absent: the key is this run's. */
  readonly keyFile?: string | undefined;
}

/** What a token is to say. */
export interface WantedToken {
  /** Whom it names. */
  readonly sub: string;
  /** Scopes, apart by spaces. */
  readonly scope: string;
  /** How long it is good for, in seconds; an hour unless said otherwise. */
  readonly expiresIn?: number | undefined;
}

/** The identity provider of this machine. */
export interface Issuer {
  readonly url: () => string;
  /** Its public keys. */
  readonly keySet: () => JSONWebKeySet;
  /**
   * Signs a token.
   * @throws {Error} that names a scope that there is not.
   */
  token(wanted: WantedToken): Promise<string>;
  /** Its documents, by their paths under its address. */
  document(path: string): object | undefined;
}

/** Long enough to try things, in seconds. */
const DEFAULT_EXPIRES_IN = 3_600;

/**
 * Stands for the identity provider of a template on this machine: it gives anybody who may ask
 * `/_local` a token for anybody, signed with a key of its own, and shows its public key where OpenID
 * Connect has it. Its tokens look like the access tokens of Cognito.
 *
 * @throws {Error} where the file of its key cannot be read or written.
 */
export const openIssuer = async (options: IssuerOptions): Promise<Issuer> => {
  const { url, clientId, scopeNames, keyFile } = options;
  const secret = await keyOf(keyFile);
  const { kty, n, e, kid } = secret;
  const keySet: JSONWebKeySet = { keys: [{ kty, n, e, kid, alg: ALGORITHM, use: 'sig' } as JWK] };
  const signingKey = await importJWK(secret, ALGORITHM);

  const providersName = (scope: string): string => {
    const name = scopeNames.get(scope);
    if (name !== undefined) return name;
    throw new Error(
      `There is no scope "${scope}". The scopes are: ${[...scopeNames.keys()].join(', ')}`,
    );
  };

  return {
    url,
    keySet: () => keySet,
    token: async ({ sub, scope, expiresIn = DEFAULT_EXPIRES_IN }) => {
      const now = Math.floor(Date.now() / 1000);
      const names = scope.split(/\s+/).filter(Boolean).map(providersName);
      return new SignJWT({ token_use: 'access', client_id: clientId, scope: names.join(' ') })
        .setProtectedHeader({ alg: ALGORITHM, ...(kid === undefined ? {} : { kid }) })
        .setIssuer(url())
        .setSubject(sub)
        .setIssuedAt(now)
        .setExpirationTime(now + expiresIn)
        .setJti(randomUUID())
        .sign(signingKey);
    },
    document: (path) => {
      if (path === '/.well-known/jwks.json') return keySet;
      if (path !== '/.well-known/openid-configuration') return undefined;
      return {
        issuer: url(),
        jwks_uri: `${url()}/.well-known/jwks.json`,
        token_endpoint: `${url()}/token`,
        scopes_supported: [...scopeNames.values()],
        response_types_supported: ['token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [ALGORITHM],
      };
    },
  };
};

const ALGORITHM = 'RS256';

const keyShape = z.looseObject({
  kty: z.literal('RSA'),
  kid: z.string(),
  n: z.string(),
  e: z.string(),
  d: z.string(),
});

/** The key in the file, which is made where it is not there. */
const keyOf = async (file: string | undefined): Promise<z.infer<typeof keyShape>> => {
  if (file !== undefined && existsSync(file)) {
    try {
      return keyShape.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      throw new Error(
        `${file} does not hold the key of the local issuer. Delete it: a new one is made.`,
        {
          cause: error,
        },
      );
    }
  }
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const key = keyShape.parse({ ...jwk, kid: await calculateJwkThumbprint(jwk) });
  if (file !== undefined) writeFileSync(file, JSON.stringify(key), { mode: 0o600 });
  return key;
};
