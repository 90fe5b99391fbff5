import type { Problem } from '../http/answer/problem.ts';

/** @param what the part of the request that takes an operator, to follow "Where". */
export const forOperators = (what: string): Problem => ({
  code: 'forbidden',
  detail: `Where ${what}, this takes the scope ledger:operate, which the token does not have.`,
});
