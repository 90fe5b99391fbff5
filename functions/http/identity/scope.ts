/**
 * What a caller may do: read; change what is the caller's own; pay money in from outside (a teller,
 * a payment rail); everything on every account.
 */
export const scopes = ['ledger:read', 'ledger:write', 'ledger:deposit', 'ledger:operate'] as const;

export type Scope = (typeof scopes)[number];
