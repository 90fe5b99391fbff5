import type { Currency } from '../../../events/values.ts';
import { minorUnitDigits } from '../../ledger/currencies.ts';
import type { Entry } from '../../ledger/statement.ts';

/** The columns, in order: amounts in minor units and, beside them, in the currency's own decimals. */
const COLUMNS = [
  'entryId',
  'accountId',
  'at',
  'kind',
  'currency',
  'amount',
  'amountDecimal',
  'balanceAfter',
  'balanceAfterDecimal',
  'version',
  'reference',
  'transferId',
  'postingId',
  'counterparty',
] as const;

/**
 * Lines of a statement as CSV (RFC 4180).
 * @param hasHeader whether the names of the columns come first: they do on the first page alone, so
 *   that all pages join to the whole.
 */
export const csvOf = (
  currency: Currency,
  entries: readonly Entry[],
  hasHeader: boolean,
): string => {
  const rows = entries.map((entry) => {
    const cells: Readonly<Partial<Record<string, string | number>>> = {
      ...entry,
      currency,
      amountDecimal: decimalOf(entry.amount, currency),
      balanceAfterDecimal: decimalOf(entry.balanceAfter, currency),
    };
    return COLUMNS.map((column) => cellOf(cells[column])).join(',');
  });
  return [...(hasHeader ? [COLUMNS.join(',')] : []), ...rows].map((row) => `${row}\r\n`).join('');
};

/** Minor units with the currency's decimals: 12345 of EUR is 123.45, of JPY 12345. */
const decimalOf = (amount: number, currency: string): string => {
  // A currency that is not in use any more: nothing is known of its decimals.
  const digits = minorUnitDigits.get(currency);
  if (digits === undefined) return '';
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = digits === 0 ? '' : `.${text.slice(-digits)}`;
  return `${amount < 0 ? '-' : ''}${whole}${fraction}`;
};

/**
 * A cell. A spreadsheet takes a text that begins so for a formula, and may do what it says; an
 * apostrophe before it makes it a text (OWASP, *CSV Injection*). A number is none of these.
 */
const cellOf = (value: string | number | undefined): string => {
  if (value === undefined) return '';
  if (typeof value === 'number' || /^-?\d+(?:\.\d+)?$/.test(value)) return String(value);
  const safe = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
