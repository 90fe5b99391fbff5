import { execFile } from 'node:child_process';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askToken } from '../../local-cloud/identity/ask-token.ts';
import { apiAt } from '../setup/api.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
});

afterAll(() => cloud.stop());

/** `npm run --silent token -- …`. */
const token = (
  ...args: readonly string[]
): Promise<{ status: unknown; printed: string; errors: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['local-cloud/token.ts', ...args], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, printed: stdout, errors: stderr }),
    );
  });

describe('npm run token', () => {
  it('prints a token that the ledger takes, and nothing else', async () => {
    const { status, printed, errors } = await token('--sub', 'alice', '--url', `${cloud.url}/`);
    expect([status, errors]).toEqual([0, '']);
    expect(printed).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const api = apiAt(cloud.url, printed.trim());
    expect(await api.post('/accounts', { accountId: 'mine', currency: 'EUR' })).toMatchObject({
      status: 201,
      body: { owner: 'alice' },
    });
    expect(await api.post('/accounts/mine/deposits', { amount: 1 })).toMatchObject({ status: 403 });
  });

  it.each<[readonly string[], number, string]>([
    [[], 2, '--sub is missing'],
    [['--sub', 'a', '--url', 'here'], 2, '--url takes a URL, not "here"'],
    [['--sub', 'a', '--expires-in', '0'], 2, '--expires-in is "0"'],
    [['--sub', 'a', '--url', 'http://127.0.0.1:1'], 1, 'No ledger answers at http://127.0.0.1:1'],
  ])('%j ends with %i and says what is wrong', async (args, expected, message) => {
    const { status, printed, errors } = await token(...args);
    expect([status, printed]).toEqual([expected, '']);
    expect(errors).toContain(message);
  });

  it('names the scopes there are to who mistypes one', async () => {
    const { status, errors } = await token(
      '--sub',
      'a',
      '--scope',
      'ledger:raed',
      '--url',
      cloud.url,
    );
    expect(status).toBe(1);
    expect(errors).toContain('There is no scope "ledger:raed". The scopes are: ledger:read, ');
  });
});

describe('the issuer of this machine', () => {
  it('has its documents where OpenID Connect looks for them, and its tokens can be verified by them', async () => {
    const issuer = `${cloud.url}/_local`;
    const found = await fetch(`${issuer}/.well-known/openid-configuration`);
    const { issuer: named, jwks_uri: keys } = Object(await found.json());
    expect(named).toBe(issuer);
    const { payload } = await jwtVerify(cloud.operator, createRemoteJWKSet(new URL(keys)), {
      issuer,
    });
    expect(payload).toMatchObject({ sub: 'operator', scope: 'holdfast/ledger.operate' });
    // The private parts of the key stay here.
    const { keys: published } = Object(await (await fetch(keys)).json());
    expect(published.map((key: object) => Object.keys(key).toSorted())).toEqual([
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ['with an Origin', { origin: 'https://evil.example' }],
    ['of this very host', { origin: 'http://127.0.0.1:3000' }],
    ['with a content type that needs no question first', { 'content-type': 'text/plain' }],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('gives no token to a web page: %s', async (_, headers) => {
    const answer = await fetch(`${cloud.url}/_local/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ sub: 'alice', scope: 'ledger:operate' }),
    });
    expect([403, 415]).toContain(answer.status);
    expect(await answer.text()).not.toContain('access_token');
  });

  it.each([
    {},
    { sub: '' },
    { sub: 'x'.repeat(129), scope: '' },
    { sub: 'a', scope: '', expiresIn: 0 },
  ])('asks for what it needs where it is sent %j', async (wanted) => {
    await expect(askToken(cloud.url, Object(wanted))).rejects.toThrow('Needs {"sub": NAME');
  });

  it('says that a token has expired', async () => {
    const brief = await cloud.token({ sub: 'a', scope: 'ledger:read', expiresIn: -1 });
    const { status, headers } = await apiAt(cloud.url, brief).get('/accounts/a');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('the token has expired');
  });
});
