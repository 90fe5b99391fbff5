import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Execution } from './execution.ts';

/** Keeps executions beyond the process. */
export interface Journal {
  /** The executions that it held when it was opened, in the order of their starts. */
  readonly executions: readonly Execution[];
  /** Writes an execution as it is now. Once this returns, it outlives a crash of this process. */
  write(execution: Execution): void;
}

/**
 * Opens a journal: a file with a line whenever an execution starts or ends; an execution's last
 * line counts. Opening it writes it anew, without outdated lines and the oldest ended executions.
 * @param options.directory absent: nothing is kept.
 * @param options.keepEnded how many ended executions are kept, at most.
 * @throws Error when the file is not one of these.
 */
export const openJournal = (options: {
  readonly directory: string | undefined;
  readonly keepEnded: number;
}): Journal => {
  if (options.directory === undefined) return { executions: [], write: () => {} };
  const file = join(options.directory, 'executions.jsonl');
  const executions = withoutOldest(readAll(file), options.keepEnded);
  mkdirSync(options.directory, { recursive: true });
  writeFileSync(`${file}.new`, executions.map(toLine).join(''));
  renameSync(`${file}.new`, file);
  return { executions, write: (execution) => appendFileSync(file, toLine(execution)) };
};

const toLine = (execution: Execution): string => `${JSON.stringify(execution)}\n`;

const readAll = (file: string): Execution[] => {
  const executions = new Map<string, Execution>();
  // A crash cut off the line after the last line end.
  for (const [index, line] of readIfThere(file).split('\n').slice(0, -1).entries()) {
    try {
      const execution = Execution.parse(JSON.parse(line));
      executions.set(execution.arn, execution);
    } catch (error) {
      throw new Error(`Line ${index + 1} of ${file} is no execution`, { cause: error });
    }
  }
  return [...executions.values()];
};

const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

const withoutOldest = (executions: readonly Execution[], keepEnded: number): Execution[] => {
  let surplus = executions.filter(({ ended }) => ended !== undefined).length - keepEnded;
  return executions.filter(({ ended }) => {
    if (ended === undefined || surplus <= 0) return true;
    surplus -= 1;
    return false;
  });
};
