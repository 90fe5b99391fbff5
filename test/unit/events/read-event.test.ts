import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../../events/event.ts';
import { seed } from '../../setup/seed.ts';
import refusedEvents from './refused-events.json' with { type: 'json' };
import storedEvents from './stored-events.json' with { type: 'json' };

const types = [
  'AccountOpened',
  'MoneyDeposited',
  'MoneyWithdrawn',
  'MoneyReserved',
  'ReservationCancelled',
];

describe('an event that lies in a stream', () => {
  it.each(storedEvents)('is read: $name', ({ stored, read }) =>
    expect(readEvent(stored)).toStrictEqual(read ?? stored),
  );

  it.each(refusedEvents)('is refused, and shown, where it is $name', ({ stored, says }) => {
    const read = () => readEvent(stored);
    expect(read).toThrow(/^not an event of this ledger: /);
    expect(read).toThrow(JSON.stringify(stored));
    expect(read).toThrow(says ?? '');
  });

  it('has an example of every type here', () =>
    expect(new Set(storedEvents.map(({ stored }) => stored.type))).toEqual(new Set(types)));
});

describe('an event that is written', () => {
  const amount = fc.oneof(
    fc.integer({ min: 1, max: 1_000 }),
    fc.maxSafeNat().map((nat) => nat || 1),
  );
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  const currency = fc.stringMatching(/^[A-Z]{3}$/);
  const reference = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 });
  const plain = { noNullPrototype: true } as const;
  const withOptional = (
    required: Record<string, fc.Arbitrary<unknown>>,
    optional: Record<string, fc.Arbitrary<unknown>>,
  ) => fc.record({ ...required, ...optional }, { ...plain, requiredKeys: Object.keys(required) });
  const movement = withOptional({ amount }, { reference, transferId: id, counterparty: id });
  const transfer = { transferId: id, amount };

  it.each<[string, number, fc.Arbitrary<object>]>([
    [
      'AccountOpened',
      2,
      fc.record({ owner: reference, currency, overdraftLimit: fc.maxSafeNat() }, plain),
    ],
    ['MoneyDeposited', 1, movement],
    ['MoneyWithdrawn', 1, movement],
    ['MoneyReserved', 1, withOptional({ ...transfer, to: id, currency }, { reference })],
    ['ReservationCancelled', 1, withOptional(transfer, { reason: reference })],
  ])(`is read back the same (seed ${seed}): %s in version %i`, (type, v, anyData) =>
    fc.assert(
      fc.property(anyData, (data) => {
        const event = readEvent({ type, v, data });
        expect(event).toStrictEqual({ type, v, data });
        expect(readEvent(JSON.parse(JSON.stringify(event)))).toStrictEqual(event);
      }),
      { seed },
    ),
  );
});
