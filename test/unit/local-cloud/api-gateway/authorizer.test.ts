import { createHmac } from 'node:crypto';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { describe, expect, it } from 'vitest';
import { createAuthorizer } from '../../../../local-cloud/api-gateway/authorizer.ts';

const NOW_S = 1_800_000_000;
const ISSUER = 'https://issuer.example';

const keyPair = async (kid: string) => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    kid,
    publicKey,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256' },
  };
};
const own = await keyPair('k1');
const next = await keyPair('k2');
const strange = await keyPair('k1');
const spki = await exportSPKI(own.publicKey);

const good: JWTPayload = {
  iss: ISSUER,
  sub: 'alice',
  client_id: 'app',
  scope: 'a b',
  iat: NOW_S,
  exp: NOW_S + 1,
};

const signed = (
  more: JWTPayload = {},
  { header = { alg: 'RS256', kid: 'k1' }, key = own.privateKey } = {},
): Promise<string> => {
  const claims = Object.entries({ ...good, ...more }).filter(([, value]) => value !== undefined);
  return new SignJWT(Object.fromEntries(claims)).setProtectedHeader(header).sign(key);
};

const without = (...names: string[]): JWTPayload =>
  Object.fromEntries(names.map((name) => [name, undefined]));

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with another algorithm in its header, and what a forger can put behind it. */
const forged = (header: object, sign: (head: string) => string): string => {
  const head = `${base64(header)}.${base64(good)}`;
  return `${head}.${sign(head)}`;
};

const authorizerOf = (keys: JSONWebKeySet = { keys: [own.jwk] }) => {
  let current = keys;
  let nowMs = NOW_S * 1_000 + 999;
  const authorize = createAuthorizer({
    issuer: () => ISSUER,
    audience: ['app', 'other app'],
    keySet: () => current,
    clock: () => nowMs,
  });
  return {
    authorize,
    pass: (milliseconds: number) => {
      nowMs += milliseconds;
    },
    rotate: (to: JSONWebKeySet) => {
      current = to;
    },
  };
};
const { authorize } = authorizerOf();
const bearer = (token: string) => authorize(`Bearer ${token}`);

describe('a token that is good', () => {
  it('is taken, and all its claims are texts', async () => {
    const token = await signed({ groups: ['one', 'two'], admin: true, level: 7 });
    expect(await bearer(token)).toEqual({
      ok: true,
      claims: {
        ...{ iss: ISSUER, sub: 'alice', client_id: 'app', scope: 'a b' },
        ...{ iat: String(NOW_S), exp: String(NOW_S + 1) },
        ...{ groups: '[one two]', admin: 'true', level: '7' },
      },
    });
  });

  it.each<[string, JWTPayload]>([
    ['for the API by its aud', { ...without('client_id'), aud: 'app' }],
    ['for the API among others', { ...without('client_id'), aud: ['elsewhere', 'other app'] }],
    ['valid from this second on', { nbf: NOW_S }],
    ['silent on when it was made', without('iat')],
  ])('may be %s', async (_, claims) => {
    expect(await bearer(await signed(claims))).toMatchObject({ ok: true });
  });

  it('is shown with Bearer in any case', async () => {
    expect(await authorize(`bEARER  ${await signed()}`)).toMatchObject({ ok: true });
  });
});

it('a token that was good is refused from the second of its end on', async () => {
  const { authorize: ask, pass } = authorizerOf();
  const token = `Bearer ${await signed()}`;
  expect(await ask(token)).toMatchObject({ ok: true });
  expect(await ask(token)).toEqual(await ask(token));
  pass(1);
  expect(await ask(token)).toMatchObject({
    ok: false,
    challenge: expect.stringContaining('has expired'),
  });
});

describe('401', () => {
  it.each([undefined, ''])(
    'to a request without a token (%j), with nothing but Bearer',
    async (header) => {
      expect(await authorize(header)).toEqual({ ok: false, challenge: 'Bearer' });
    },
  );

  const hmac = (secret: string) => (head: string) =>
    createHmac('sha256', secret).update(head).digest('base64url');

  it.each<[string, string, string | Promise<string>]>([
    ['of another issuer', 'of another issuer', signed({ iss: 'https://issuer.example/' })],
    ['of no issuer', 'of another issuer', signed(without('iss'))],
    ['for another audience', 'valid audience', signed({ client_id: 'stranger' })],
    ['for no audience', 'valid audience', signed(without('client_id'))],
    ['whose aud is another, whatever its client_id', 'valid audience', signed({ aud: 'stranger' })],
    ['whose aud is no text', 'valid audience', signed({ aud: Object([7]) })],
    ['that ended this second', 'has expired', signed({ exp: NOW_S })],
    ['that never ends', 'missing or not valid', signed(without('exp'))],
    ['whose end is no number', 'missing or not valid', signed({ exp: Object('9999999999') })],
    ['that is valid from the next second on', 'not valid yet', signed({ nbf: NOW_S + 1 })],
    ['from a time ahead', 'time ahead', signed({ iat: NOW_S + 1 })],
    [
      'signed by another key of that name',
      'signature',
      signed({}, { header: { alg: 'RS256', kid: 'k1' }, key: strange.privateKey }),
    ],
    [
      'of a key that the issuer has not',
      'no such key',
      signed({}, { header: { alg: 'RS256', kid: 'k2' }, key: next.privateKey }),
    ],
    ['that names no key', 'names no key', signed({}, { header: Object({ alg: 'RS256' }) })],
    ['with no signature (none)', 'RS256', forged({ alg: 'none', kid: 'k1' }, () => '')],
    ['with no signature (None)', 'RS256', forged({ alg: 'None', kid: 'k1' }, () => '')],
    ['with RS256 and no signature', 'signature', forged({ alg: 'RS256', kid: 'k1' }, () => '')],
    [
      'signed with HS256 by the public key in PEM',
      'RS256',
      forged({ alg: 'HS256', kid: 'k1' }, hmac(spki)),
    ],
    [
      'signed with HS256 by the public key as JWK',
      'RS256',
      forged({ alg: 'HS256', kid: 'k1' }, hmac(JSON.stringify(own.jwk))),
    ],
    [
      'that brings its own key',
      'signature',
      signed(
        {},
        { header: Object({ alg: 'RS256', kid: 'k1', jwk: strange.jwk }), key: strange.privateKey },
      ),
    ],
    [
      'with a critical extension',
      'cannot be read',
      forged({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }, () => 'AA'),
    ],
    ['that is no JWT', 'cannot be read', 'token'],
    ['of two parts', 'cannot be read', 'a.b'],
    ['whose parts are no JSON', 'cannot be read', 'a.b.c'],
  ])('to a token %s', async (_, why, token) => {
    const answer = await bearer(await token);
    expect(answer).toEqual({
      ok: false,
      challenge: expect.stringMatching(
        /^Bearer scope="" error="invalid_token" error_description="[^"]+"$/,
      ),
    });
    expect(Object(answer).challenge).toContain(why);
  });

  it('to a payload that was changed after it was signed', async () => {
    const [header, , signature] = (await signed()).split('.');
    const changed = [header, base64({ ...good, sub: 'mallory' }), signature].join('.');
    expect(await bearer(changed)).toMatchObject({ ok: false });
  });

  it.each(['Basic YWxpY2U6eA==', 'Bearer', 'Bearer ', 'Bearer a b', 'token'])(
    'to the header %j, which is not Bearer and a token',
    async (header) => {
      expect(await authorize(header)).toMatchObject({ ok: false });
    },
  );

  it('to a token without Bearer, and to two of them', async () => {
    const token = await signed();
    expect(await authorize(token)).toMatchObject({ ok: false });
    expect(await authorize(`Bearer ${token},Bearer ${token}`)).toMatchObject({ ok: false });
  });
});

describe('the rotation of keys', () => {
  const newer = () => signed({}, { header: { alg: 'RS256', kid: 'k2' }, key: next.privateKey });

  it('takes tokens of both while both are published, and none of a key that is withdrawn', async () => {
    const rotating = authorizerOf();
    const ask = async (token: string) => (await rotating.authorize(`Bearer ${token}`)).ok;
    const [older, new_] = [await signed(), await newer()];
    expect([await ask(older), await ask(new_)]).toEqual([true, false]);
    rotating.rotate({ keys: [own.jwk, next.jwk] });
    expect([await ask(older), await ask(new_)]).toEqual([true, true]);
    rotating.rotate({ keys: [next.jwk] });
    expect([await ask(older), await ask(new_)]).toEqual([false, true]);
  });
});
