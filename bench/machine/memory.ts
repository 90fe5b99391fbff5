import { readFileSync } from 'node:fs';
import { descendants } from './processes.ts';

/** The most memory that was in use at once, resident, in MB; `NaN` where Linux does not tell. */
export interface Memory {
  /** Of the bench's process: the callers and, of a local cloud, all of it but the engine. */
  readonly process: number;
  /** Of the engine. */
  readonly engine: number;
}

/** Looks at the memory from now on. @returns what tells the most there was, and stops looking. */
export const watchMemory = (): (() => Memory) => {
  const engines = enginesNow();
  let most: Memory = { process: Number.NaN, engine: Number.NaN };
  const look = () => {
    const engine = engines.reduce((sum, pid) => sum + residentMegabytes(String(pid)), 0);
    most = {
      process: larger(most.process, residentMegabytes('self')),
      engine: larger(most.engine, engine > 0 ? engine : Number.NaN),
    };
  };
  look();
  const timer = setInterval(look, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
};

const EVERY_MS = 100;

const enginesNow = (): readonly number[] => {
  try {
    return descendants().map(({ pid }) => pid);
  } catch {
    return [];
  }
};

const larger = (one: number, other: number): number =>
  Number.isNaN(one) || other > one ? other : one;

/** @param pid or `self`. @returns `NaN` where it has ended, or Linux does not tell. */
export const residentMegabytes = (pid: string): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  } catch {
    return Number.NaN;
  }
};
