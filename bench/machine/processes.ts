import { readdirSync, readFileSync } from 'node:fs';

/** What Linux tells of a process or of a thread of one. */
export interface Stat {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  /** The processor time that it has used so far. */
  readonly milliseconds: number;
}

/**
 * The processes that descend from this one: of a bench, the engine. Linux tells in /proc
 * (https://man7.org/linux/man-pages/man5/proc.5.html).
 * @throws where there is no /proc.
 */
export const descendants = (): readonly Stat[] => {
  const processes = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? (statOf(`/proc/${name}`) ?? []) : [],
  );
  const family = new Set([process.pid]);
  const found: Stat[] = [];
  // A parent is older than its child, and so, nearly always, comes first.
  for (const stat of processes.toSorted((a, b) => a.pid - b.pid)) {
    if (!family.has(stat.parent)) continue;
    family.add(stat.pid);
    found.push(stat);
  }
  return found;
};

/** The threads of this process. @throws where there is no /proc. */
export const threads = (): readonly Stat[] =>
  readdirSync('/proc/self/task').flatMap((thread) => statOf(`/proc/self/task/${thread}`) ?? []);

/** Clock ticks are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;

const statOf = (directory: string): Stat | undefined => {
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
