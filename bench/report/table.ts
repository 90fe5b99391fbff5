/** A table of the report, in words already. */
export interface Table {
  readonly title: string;
  /** The first column is text, the others are numbers. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader has to know to read it. */
  readonly note?: string | undefined;
}

/** A table for a terminal: columns aligned, numbers to the right. */
export const toText = ({ title, columns, rows, note }: Table): string => {
  const widths = columns.map((column, n) =>
    Math.max(column.length, ...rows.map((row) => row[n]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [title, '', line(columns), rule, ...rows.map(line), ...(note ? ['', note] : [])].join(
    '\n',
  );
};

/** A table for GitHub. */
export const toMarkdown = ({ title, columns, rows, note }: Table): string => {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = line(columns.map((_, n) => (n === 0 ? '---' : '---:')));
  return [
    `**${title}**`,
    '',
    line(columns),
    rule,
    ...rows.map(line),
    ...(note ? ['', note] : []),
  ].join('\n');
};
