import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../../openapi/document.ts';
import { readOpenApi } from '../../../testing/openapi-document.ts';
import { anyScenario, play } from '../../properties/history.ts';
import { seed } from '../../setup/seed.ts';

/** The routes that clients send commands by. The others come from functions, which hear of themselves. */
const ROUTES: Readonly<Record<string, string>> = {
  open: 'POST /accounts',
  amend: 'PATCH /accounts/{accountId}',
  freeze: 'POST /accounts/{accountId}/freeze',
  unfreeze: 'POST /accounts/{accountId}/unfreeze',
  close: 'POST /accounts/{accountId}/close',
  deposit: 'POST /accounts/{accountId}/deposits',
  withdraw: 'POST /accounts/{accountId}/withdrawals',
  reserve: 'POST /transfers',
  hold: 'POST /transfers',
  capture: 'POST /transfers/{transferId}/capture',
  void: 'POST /transfers/{transferId}/void',
  reverse: 'POST /transfers/{transferId}/reversal',
  post: 'POST /postings',
};

/**
 * What clients never hear: of a hold that is not there any more they hear how it has ended, and the
 * source of a transfer that was found is there.
 */
const UNHEARD = new Set(
  ['capture', 'void'].flatMap((name) =>
    ['hold_ended', 'account_not_found'].map(
      (code) => `POST /transfers/{transferId}/${name}: ${code}`,
    ),
  ),
);

it('whatever the ledger refuses a client is documented for the route of its command', () => {
  const { operations } = readOpenApi(JSON.parse(JSON.stringify(openApiDocument())));
  const documented = (route: string) =>
    Object.values(operations.get(route)?.responses ?? {}).flatMap(({ content }) =>
      Object.values(content).flatMap(({ examples }) => Object.keys(examples ?? {})),
    );
  const reached = new Map<string, Set<string>>();
  fc.assert(
    fc.property(anyScenario, (scenario) => {
      for (const { command, isAtOnce, outcome } of play(scenario)) {
        const route = ROUTES[command.type];
        if (isAtOnce || route === undefined || outcome.startsWith('done')) continue;
        reached.set(route, (reached.get(route) ?? new Set()).add(outcome));
      }
    }),
    { numRuns: 100, seed },
  );
  expect(reached.get('POST /transfers')).toContain('hold_expired');
  expect([...reached.keys()].toSorted()).toEqual([...new Set(Object.values(ROUTES))].toSorted());
  const missing = [...reached].flatMap(([route, codes]) =>
    [...codes]
      .filter((code) => !documented(route).includes(code))
      .map((code) => `${route}: ${code}`)
      .filter((refusal) => !UNHEARD.has(refusal)),
  );
  expect(missing).toEqual([]);
});
