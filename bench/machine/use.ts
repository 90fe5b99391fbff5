import * as z from 'zod/mini';
import { amount } from '../report/numbers.ts';
import { residentMegabytes } from './memory.ts';
import { descendants, type Stat, threads } from './processes.ts';
import { ENGINE, partOf } from './processor-time.ts';

/** What a scenario used of the machine, from its beginning to its end. */
export const MachineUse = z.object({
  /** By what used it, in milliseconds; a thread or an engine that ended counts too. */
  processorMilliseconds: z.record(z.string(), z.number()),
  /** The most that was resident, in MB, of the bench's process and of its engines. */
  processMegabytes: z.number(),
  engineMegabytes: z.number(),
});
export type MachineUse = z.infer<typeof MachineUse>;

/**
 * Watches what this process and its engines use from now on.
 * @returns what tells it, and stops watching: nothing where Linux does not tell.
 */
export const watchUse = (): (() => MachineUse | undefined) => {
  const seen = new Map<number, { readonly part: string; readonly from: number; to: number }>();
  let [processMegabytes, engineMegabytes] = [0, 0];
  const look = (from: 'now' | 'its start') => {
    const note = (part: string, { pid, milliseconds }: Stat) => {
      const known = seen.get(pid);
      if (known) known.to = milliseconds;
      else seen.set(pid, { part, from: from === 'now' ? milliseconds : 0, to: milliseconds });
    };
    const others = descendants();
    const engines = others.filter(isEngine);
    for (const other of others) note(isEngine(other) ? ENGINE : 'other processes', other);
    for (const thread of threads()) note(partOf(thread.name), thread);
    processMegabytes = Math.max(processMegabytes, residentMegabytes('self'));
    const resident = engines.map(({ pid }) => residentMegabytes(String(pid)));
    const all = resident.filter(Number.isFinite).reduce((sum, megabytes) => sum + megabytes, 0);
    engineMegabytes = Math.max(engineMegabytes, all);
  };
  try {
    look('now');
  } catch {
    return () => undefined;
  }
  const timer = setInterval(() => look('its start'), EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    look('its start');
    const processorMilliseconds: Record<string, number> = {};
    for (const { part, from, to } of seen.values())
      processorMilliseconds[part] = (processorMilliseconds[part] ?? 0) + to - from;
    return { processorMilliseconds, processMegabytes, engineMegabytes };
  };
};

/** The engine is the only one of the bench's processes that is written in Java. */
const isEngine = ({ name }: Stat): boolean => name === 'java';

const EVERY_MS = 500;

/** Says it in words. */
export const describeUse = ({
  processorMilliseconds,
  processMegabytes,
  engineMegabytes,
}: MachineUse): string => {
  const parts = Object.entries(processorMilliseconds)
    .filter(([, milliseconds]) => milliseconds >= 50)
    .map(([part, milliseconds]) => `${part} ${amount(milliseconds / 1_000)} s`);
  return (
    `Processor time, from beginning to end: ${parts.join(', ')}. Memory, at most: ` +
    `${amount(processMegabytes)} MB of the bench's process, ${amount(engineMegabytes)} MB of the engine.`
  );
};
