import { descendants, threads } from './processes.ts';

/** Processor time by what used it, in milliseconds. */
export type ProcessorTime = Readonly<Record<string, number>>;

/**
 * The parts: the bench's own thread has the callers, and, of a local cloud, the API, the endpoint,
 * streams and workflow.
 */
export const ENGINE = 'engine';
const MAIN = 'main thread';
const REST = 'compiling, collecting';

/**
 * What the processors have done so far for this process, by thread, and for the engine, its
 * descendant. A worker that runs a function is named by it.
 * @returns empty where Linux does not tell.
 */
export const processorTime = (): ProcessorTime => {
  const time: Record<string, number> = {};
  const add = (part: string, milliseconds: number) => {
    time[part] = (time[part] ?? 0) + milliseconds;
  };
  try {
    for (const { milliseconds } of descendants()) add(ENGINE, milliseconds);
    for (const { name, milliseconds } of threads()) add(partOf(name), milliseconds);
  } catch {
    return {};
  }
  return time;
};

/** What was used between two looks, divided by a number of transfers. */
export const processorTimePer = (
  before: ProcessorTime,
  after: ProcessorTime,
  count: number,
): ProcessorTime =>
  Object.fromEntries(
    Object.entries(after).map(([part, time]) => [part, (time - (before[part] ?? 0)) / count]),
  );

/** A thread's name has 15 characters: enough of `holdfast-dev-…` to tell the functions apart. */
export const partOf = (name: string): string => {
  if (name.startsWith('holdfast-')) return `function ${name.slice('holdfast-dev-'.length)}…`;
  return name === 'MainThread' || name.startsWith('node') ? MAIN : REST;
};
