/**
 * A count or a rate: three digits that mean something, thousands apart. `–` for what was not
 * measured.
 */
export const amount = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
};

/** A time given in milliseconds. */
export const time = (milliseconds: number): string => {
  if (!Number.isFinite(milliseconds)) return '–';
  return milliseconds >= 1_000 ? `${amount(milliseconds / 1_000)} s` : `${amount(milliseconds)} ms`;
};

/** A share, given as 0 … 1 or more. */
export const share = (value: number): string =>
  Number.isFinite(value)
    ? `${amount(Math.abs(value) >= 0.1 ? Math.round(value * 100) : value * 100)} %`
    : '–';

/** US dollars. */
export const dollars = (value: number): string =>
  Number.isFinite(value)
    ? `$${value.toLocaleString('en', { maximumFractionDigits: 2, minimumFractionDigits: 2 })}`
    : '–';
