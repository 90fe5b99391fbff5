import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import type { MachineSpeed } from '../machine/speed.ts';
import { MachineUse } from '../machine/use.ts';
import { median } from '../statistics.ts';
import { amount } from './numbers.ts';

const file = join(import.meta.dirname, '../results/latest.json');

const Table = z.object({
  title: z.string(),
  columns: z.readonly(z.array(z.string())),
  rows: z.readonly(z.array(z.readonly(z.array(z.string())))),
  note: z.optional(z.string()),
});

const Result = z.object({
  /** When the scenario was over; ISO time. */
  at: z.string(),
  runs: z.int(),
  seconds: z.number(),
  machine: z.string(),
  /** In order of time; absent in results from before it was measured. */
  machineSpeeds: z.optional(
    z.readonly(z.array(z.object({ before: z.string(), roundsPerSecond: z.number() }))),
  ),
  /** Absent where Linux does not tell, and in results from before it was measured. */
  use: z.optional(MachineUse),
  tables: z.readonly(z.array(Table)),
  targets: z.readonly(
    z.array(z.object({ promised: z.string(), measured: z.string(), reached: z.boolean() })),
  ),
  audit: z.optional(z.string()),
  figures: z.unknown(),
});

/** The findings of a scenario, with the time and the machine of the measurement. */
export type Result = z.infer<typeof Result>;

/** The latest result of every scenario that was ever run here, by its name. */
export type Results = Readonly<Record<string, Result>>;

/**
 * Reads the results of earlier runs.
 * @returns nothing where there are none.
 * @throws {Error} where the file is there and is not one of ours.
 */
export const readResults = async (): Promise<Results> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  const parsed = z.record(z.string(), Result).safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new Error(`${file} holds no results: remove it, or take it back from git`);
  return parsed.data;
};

/** Writes them where {@link readResults} finds them. @returns the file. */
export const writeResults = async (results: Results): Promise<string> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
};

/** Describes the machine of the measurement, in words. */
export const describeMachine = (): string => {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return `${cpus().length} × ${cpu?.model.trim() ?? arch()}, ${memory}, ${platform()} ${release()}, Node ${process.version}`;
};

/** Describes how fast the machine was meanwhile, in words: see {@link MachineSpeed}. */
export const describeSpeeds = (speeds: readonly MachineSpeed[]): string => {
  const rounds = speeds.map(({ roundsPerSecond }) => roundsPerSecond);
  const thousands = (value: number) => `${amount(Math.round(value / 1_000))},000`;
  const [least, most] = [Math.min(...rounds), Math.max(...rounds)].map(thousands);
  return `The machine's speed, ${rounds.length} times: ${thousands(median(rounds))} rounds of fixed work a second (${least} … ${most}).`;
};
