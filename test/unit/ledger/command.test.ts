import { describe, expect, it } from 'vitest';
import { Command, Rejection, RejectionCode } from '../../../functions/ledger/account.ts';

const account = { accountId: 'a1' };
const money = { amount: 5, currency: 'EUR', reference: 'rent' };

/** One whole example of each command. */
const commands: readonly Record<string, unknown>[] = [
  { type: 'open', ...account, owner: 'alice', currency: 'EUR', overdraftLimit: 0 },
  { type: 'deposit', ...account, ...money },
  { type: 'withdraw', ...account, ...money },
  { type: 'reserve', ...account, transferId: 't1', to: 'b1', ...money },
  { type: 'credit', ...account, transferId: 't1', from: 'b1', ...money },
  { type: 'settle', ...account, transferId: 't1' },
  { type: 'release', ...account, transferId: 't1', reason: 'account_not_found' },
];

/**
 * What may be missing. A credit names the currency that was reserved, whatever the destination is
 * kept in.
 */
const isOptional = (type: unknown, name: string): boolean =>
  name === 'reference' ||
  (name === 'currency' && (type === 'deposit' || type === 'withdraw' || type === 'reserve'));

const eachField = commands.flatMap((command) =>
  Object.keys(command).map((name) => ({ type: command['type'], name, command })),
);

const without = (command: Record<string, unknown>, missing: string) =>
  Object.fromEntries(Object.entries(command).filter(([name]) => name !== missing));

describe('a command that was recorded', () => {
  it.each(commands)('is read as it was written: $type', (command) =>
    expect(Command.parse(command)).toStrictEqual(command),
  );
  // It waits for whichever deployment decides it, an earlier one too.
  it.each(commands)('is read without a field too many: $type', (command) =>
    expect(Command.parse({ ...command, priority: 1 })).toStrictEqual(command),
  );
  it.each(eachField)('of type $type needs its $name, or does not', ({ type, name, command }) =>
    expect(Command.safeParse(without(command, name)).success).toBe(isOptional(type, name)),
  );
  it.each(eachField)('of type $type is refused with a wrong $name', ({ name, command }) =>
    expect(Command.safeParse({ ...command, [name]: null }).success).toBe(false),
  );
  it.each([
    ['', false],
    ['x', true],
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
  ])('releases for the reason %o: %s', (reason, isTaken) => {
    const release = { type: 'release', accountId: 'a1', transferId: 't1', reason };
    expect(Command.safeParse(release).success).toBe(isTaken);
  });
});

describe('a rejection that was recorded', () => {
  const rejection = {
    code: 'insufficient_funds',
    detail: '5 available, 6 asked for.',
    available: 5,
  };

  it('is read as it was written', () =>
    expect(Rejection.parse(rejection)).toStrictEqual(rejection));
  it('is read without a field too many', () =>
    expect(Rejection.parse({ ...rejection, overdraftLimit: 0 })).toStrictEqual(rejection));
  it('needs no amount', () =>
    expect(Rejection.parse(without(rejection, 'available'))).toStrictEqual(
      without(rejection, 'available'),
    ));
  it.each(['code', 'detail'])('is refused without its %s', (name) =>
    expect(Rejection.safeParse(without(rejection, name)).success).toBe(false),
  );
  it.each([
    ['code', 'not_in_the_mood'],
    ['detail', 5],
    ['available', 0.5],
  ])('is refused with %s %o', (name, value) =>
    expect(Rejection.safeParse({ ...rejection, [name]: value }).success).toBe(false),
  );
  it('has one of the codes of the contract, for ever, or one of the two that no client hears', () =>
    expect(RejectionCode.options.toSorted()).toEqual([
      'account_already_exists',
      'account_not_empty',
      'account_not_found',
      'account_not_open',
      'already_reversed',
      'amount_out_of_range',
      'currency_mismatch',
      'described_anew',
      'exceeds_hold',
      'hold_captured',
      'hold_ended',
      'hold_expired',
      'hold_voided',
      'insufficient_funds',
      'limit_in_use',
      'not_held',
      'not_settled',
      'same_account',
      'unbalanced_legs',
    ]));
});
