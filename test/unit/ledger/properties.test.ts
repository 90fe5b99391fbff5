import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { anyScenario, play } from '../../properties/history.ts';
import { properties } from '../../properties/properties.ts';
import { seed } from '../../setup/seed.ts';

/** Scenarios of some 100 commands each; `npm run properties -- --runs N` plays as many as one likes. */
const RUNS = 300;

/** What came of each scenario: it is the same 300 that every property is held on. */
const played = new Map<string, ReturnType<typeof play>>();
const playedOnce = (scenario: Parameters<typeof play>[0]) => {
  const name = JSON.stringify(scenario);
  const moments = played.get(name) ?? play(scenario);
  if (played.size < RUNS) played.set(name, moments);
  return moments;
};
afterAll(() => played.clear());

// A failure prints its seed and the shortest scenario that was found.
describe(`for any commands on any accounts (seed ${seed})`, () => {
  it.each(Object.entries(properties))('%s', (_, holds) =>
    fc.assert(
      fc.property(anyScenario, (scenario) => holds(playedOnce(scenario))),
      { numRuns: RUNS, seed },
    ),
  );
});

describe('the scenarios', () => {
  // A property says nothing about what its scenarios never reach. The same ones that the properties
  // are held on.
  it('reach every verdict that each command can get, and every event', () => {
    const reached = new Map<string, number>();
    const count = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        for (const { command, isAtOnce, outcome, draw, changes } of playedOnce(scenario)) {
          if (draw) count(draw.amount > 0 ? 'taken back' : 'given back again');
          count(`${isAtOnce ? 'at once' : command.type}: ${outcome}`);
          for (const { type } of changes.flatMap(({ events }) => events)) count(type);
        }
      }),
      { numRuns: RUNS, seed },
    );
    const often = [...reached].filter(([, times]) => times >= 10).map(([what]) => what);
    expect(often.toSorted()).toMatchInlineSnapshot(`
      [
        "AccountClosed",
        "AccountFrozen",
        "AccountOpened",
        "AccountUnfrozen",
        "HoldCaptured",
        "MoneyDeposited",
        "MoneyHeld",
        "MoneyReserved",
        "MoneyWithdrawn",
        "OverdraftLimitChanged",
        "ReservationCancelled",
        "amend: account_not_found",
        "amend: account_not_open",
        "amend: done",
        "amend: done before",
        "amend: limit_in_use",
        "at once: account_not_found",
        "at once: account_not_open",
        "at once: amount_out_of_range",
        "at once: currency_mismatch",
        "at once: done",
        "at once: insufficient_funds",
        "capture: account_not_open",
        "capture: done",
        "capture: exceeds_hold",
        "capture: hold_captured",
        "capture: hold_ended",
        "capture: hold_expired",
        "capture: not_held",
        "close: account_not_empty",
        "close: account_not_found",
        "close: account_not_open",
        "close: done",
        "close: done before",
        "credit: account_not_found",
        "credit: account_not_open",
        "credit: amount_out_of_range",
        "credit: currency_mismatch",
        "credit: done",
        "deposit: account_not_found",
        "deposit: account_not_open",
        "deposit: amount_out_of_range",
        "deposit: currency_mismatch",
        "deposit: done",
        "expire: account_not_found",
        "expire: done",
        "expire: done before",
        "freeze: account_not_found",
        "freeze: account_not_open",
        "freeze: done",
        "freeze: done before",
        "given back again",
        "hold: account_not_found",
        "hold: account_not_open",
        "hold: amount_out_of_range",
        "hold: currency_mismatch",
        "hold: done",
        "hold: done before",
        "hold: hold_expired",
        "hold: insufficient_funds",
        "hold: same_account",
        "open: account_already_exists",
        "open: done",
        "post: account_not_found",
        "post: account_not_open",
        "post: amount_out_of_range",
        "post: currency_mismatch",
        "post: done",
        "post: insufficient_funds",
        "release: done",
        "release: done before",
        "reserve: account_not_found",
        "reserve: account_not_open",
        "reserve: amount_out_of_range",
        "reserve: currency_mismatch",
        "reserve: done",
        "reserve: done before",
        "reserve: insufficient_funds",
        "reserve: same_account",
        "reverse: account_not_open",
        "reverse: already_reversed",
        "reverse: done",
        "reverse: done before",
        "reverse: insufficient_funds",
        "settle: account_not_found",
        "settle: done",
        "settle: done before",
        "taken back",
        "unfreeze: account_not_found",
        "unfreeze: account_not_open",
        "unfreeze: done",
        "unfreeze: done before",
        "void: done",
        "void: hold_captured",
        "void: hold_ended",
        "void: not_held",
        "withdraw: account_not_found",
        "withdraw: account_not_open",
        "withdraw: currency_mismatch",
        "withdraw: done",
        "withdraw: insufficient_funds",
      ]
    `);
  });
});
