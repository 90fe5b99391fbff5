import { describe, expect, it } from 'vitest';
import { Currency } from '../../../events/values.ts';
import { minorUnitDigits } from '../../../functions/ledger/currencies.ts';

describe('the currencies', () => {
  it.each([
    ['EUR', 2],
    ['USD', 2],
    ['CHF', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['ISK', 0],
    ['UGX', 0],
    ['XAF', 0],
    ['XPF', 0],
    ['KWD', 3],
    ['IQD', 3],
    ['MGA', 2],
    ['MRU', 2],
    ['CLF', 4],
    ['UYW', 4],
    ['XCG', 2],
    ['ZWG', 2],
    ['SLE', 2],
    ['VED', 2],
    ['CHE', 2],
  ])('%s has %i digits', (code, digits) => {
    expect(minorUnitDigits.get(code)).toBe(digits);
  });

  it.each([
    ...['XXX', 'XTS', 'XAU', 'XAG', 'XPT', 'XPD', 'XDR', 'XSU', 'XUA', 'XBA', 'XBB', 'XBC', 'XBD'],
    ...[
      'DEM',
      'FRF',
      'ITL',
      'HRK',
      'BGN',
      'ZWL',
      'ZWD',
      'SLL',
      'ANG',
      'CUC',
      'VEF',
      'MRO',
      'BYR',
      'TRL',
      'LTL',
    ],
    ...['AAA', 'EUU', 'ZZZ', 'BTC', 'eur', ''],
  ])('%s is none', (code) => {
    expect(minorUnitDigits.has(code)).toBe(false);
  });

  it('are each there once, in the form of a code', () => {
    expect(minorUnitDigits.size).toBe(165);
    for (const code of minorUnitDigits.keys()) expect(Currency.safeParse(code).success).toBe(true);
  });
});
