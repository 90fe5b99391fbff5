import { readdirSync, readFileSync } from 'node:fs';

/** Processor time by what used it, in milliseconds. */
export type ProcessorTime = Readonly<Record<string, number>>;

/**
 * The parts: the bench's own thread has the callers, and, of a local cloud, the API, the gateway,
 * streams and workflow.
 */
const ENGINE = 'engine';
const MAIN = 'main thread';
const REST = 'compiling, collecting';

/**
 * What the processors have done so far for this process, by thread, and for the engine, its
 * descendant. A worker that runs a function is named by it. Linux tells in /proc
 * (https://man7.org/linux/man-pages/man5/proc.5.html).
 * @returns empty where there is no /proc.
 */
export const processorTime = (): ProcessorTime => {
  const time: Record<string, number> = {};
  const add = (part: string, milliseconds: number) => {
    time[part] = (time[part] ?? 0) + milliseconds;
  };
  try {
    const processes = readdirSync('/proc').flatMap((name) =>
      /^\d+$/.test(name) ? (statOf(`/proc/${name}`) ?? []) : [],
    );
    const family = new Set([process.pid]);
    // A parent is older than its child, and so, nearly always, comes first.
    for (const { pid, parent, milliseconds } of processes.toSorted((a, b) => a.pid - b.pid)) {
      if (!family.has(parent)) continue;
      family.add(pid);
      add(ENGINE, milliseconds);
    }
    for (const thread of readdirSync('/proc/self/task')) {
      const found = statOf(`/proc/self/task/${thread}`);
      if (found) add(partOf(found.name), found.milliseconds);
    }
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
const partOf = (name: string): string => {
  if (name.startsWith('holdfast-')) return `function ${name.slice('holdfast-dev-'.length)}…`;
  return name === 'MainThread' || name.startsWith('node') ? MAIN : REST;
};

/** Clock ticks are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;

const statOf = (directory: string) => {
  try {
    const [, pid, name = '', rest = ''] =
      /^(\d+) \((.*)\) (.*)$/s.exec(readFileSync(`${directory}/stat`, 'utf8')) ?? [];
    const fields = rest.split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { pid: Number(pid), name, parent: Number(fields[1]), milliseconds: ticks * TICK_MS };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
};
