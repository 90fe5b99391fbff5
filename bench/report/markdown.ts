import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeUse } from '../machine/use.ts';
import { describeSpeeds, type Result, type Results } from './results.ts';
import { type Table, toMarkdown } from './table.ts';

const file = join(import.meta.dirname, '../results/latest.md');

/**
 * Writes the tables of all results, and the promises beside their figures, for the README.
 * @param order the scenarios' names, in the order to show them in.
 * @returns the file.
 */
export const writeMarkdown = async (
  results: Results,
  order: readonly string[],
): Promise<string> => {
  const parts = order.flatMap((name) => {
    const result = results[name];
    return result ? [section(name, result)] : [];
  });
  const targets = targetTable(order.flatMap((name) => results[name]?.targets ?? []));
  await writeFile(file, `${[...(targets ? [toMarkdown(targets)] : []), ...parts].join('\n\n')}\n`);
  return file;
};

/** The promises of some scenarios as a table; nothing where there are none. */
export const targetTable = (targets: Result['targets']): Table | undefined =>
  targets.length === 0
    ? undefined
    : {
        title: 'What was promised, and what was measured',
        columns: ['promised', 'measured', 'reached'],
        rows: targets.map(({ promised, measured, reached }) => [
          promised,
          measured,
          reached ? 'yes' : '**no**',
        ]),
      };

const section = (
  name: string,
  { at, runs, machine, machineSpeeds, use, tables, audit }: Result,
): string => {
  const measured = `\`npm run bench -- --only ${name}\`, ${at.slice(0, 10)}, medians of ${runs} runs, ${machine}.`;
  const checked = audit ? ` Checked from the tables when it was over: ${audit}.` : '';
  const speed = machineSpeeds ? ` ${describeSpeeds(machineSpeeds)}` : '';
  const used = use ? ` ${describeUse(use)}` : '';
  return [`### ${name}`, measured + speed + used + checked, ...tables.map(toMarkdown)].join('\n\n');
};
