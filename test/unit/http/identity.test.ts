import { describe, expect, it } from 'vitest';
import { type Callers, identify } from '../../../functions/http/identity/callers.ts';
import { createHandler as getAccount } from '../../../functions/queries/get-account.ts';
import { silentHttpWithTokens as http } from '../runtime/recorded-telemetry.ts';
import { createFundedLedger } from './ledger.ts';
import { eventOf, send } from './request.ts';

const callers: Callers = {
  by: 'token',
  scopes: new Map([
    ['holdfast/ledger.read', 'ledger:read'],
    ['holdfast/ledger.operate', 'ledger:operate'],
    ['teller', 'ledger:deposit'],
  ]),
};
const identified = (claims: Readonly<Record<string, string>>) => {
  const { caller, scopes } = identify(callers, eventOf({ claims }));
  return { caller, scopes: [...scopes] };
};

describe('the sender of a request', () => {
  it.each<[string, Record<string, string>, readonly string[]]>([
    ['Cognito’s', { scope: 'holdfast/ledger.read openid' }, ['ledger:read']],
    ['a list, as payload 2.0 has it', { scp: '[teller other]' }, ['ledger:deposit']],
    [
      'both claims',
      { scope: 'teller', scp: 'holdfast/ledger.read' },
      ['ledger:deposit', 'ledger:read'],
    ],
    ['none', {}, []],
    ['our own names, which this provider does not use', { scope: 'ledger:operate' }, []],
    ['part of a name', { scope: 'holdfast/ledger.operat holdfast/ledger.operate2' }, []],
    ['names that every object has', { scope: 'constructor __proto__ toString' }, []],
  ])('may do what the stage maps its scopes to: %s', (_, claims, scopes) => {
    expect(identified({ sub: 'alice', ...claims })).toEqual({ caller: 'alice', scopes });
  });

  it.each([['x'.repeat(128)], ['auth0|5f7c'], ['3c9a-uuid'], [' ']])('is its sub: %s', (sub) => {
    expect(identified({ sub }).caller).toBe(sub);
  });

  it.each<[Record<string, string>]>([
    [{}],
    [{ sub: '' }],
    [{ sub: 'x'.repeat(129) }],
    [{ sub: '\ud800' }],
  ])('has no name by the claims %j', (claims) => {
    expect(identified(claims).caller).toBeUndefined();
  });

  it('is nobody where the gateway handed over no claims, whatever the client sends', () => {
    const event = eventOf({ headers: { Authorization: 'Bearer x', 'X-Amzn-Sub': 'alice' } });
    expect(identify(callers, event)).toEqual({ caller: undefined, scopes: new Set() });
  });

  it('is `local`, and may do everything, where the stage tells nobody apart', () => {
    const { caller, scopes } = identify({ by: 'nothing' }, eventOf({}));
    expect([caller, scopes.size]).toEqual(['local', 4]);
  });
});

it('is refused with 403 by a route where it has no name, before anything is read', async () => {
  const ledger = await createFundedLedger();
  const handler = getAccount({ store: ledger.store, clock: () => 0, ...http });
  for (const claims of [{ scope: 'ledger:operate' }, { sub: '', scope: 'ledger:operate' }]) {
    expect(await send(handler, { path: { accountId: 'a1' }, claims })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  }
  expect(ledger.store.load).not.toHaveBeenCalled();
});
