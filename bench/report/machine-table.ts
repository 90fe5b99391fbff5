import type { Summary } from '../contestants/summary.ts';
import { amount } from './numbers.ts';
import type { Table } from './table.ts';

/**
 * What designs used of the machine: processor time by thread, and memory.
 * @param of the load, for the title.
 * @param summaries of designs that were measured in turns: what others do at the same time counts
 *   too.
 */
export const machineTable = (of: string, summaries: readonly Summary[]): Table => {
  const parts = [...new Set(summaries.flatMap(({ processorTime }) => Object.keys(processorTime)))];
  const used = parts.filter((part) =>
    summaries.some(({ processorTime }) => (processorTime[part] ?? 0) >= 0.05),
  );
  const severalLoads = new Set(summaries.map(({ workload }) => workload)).size > 1;
  return {
    title: `Processor time per settled transfer and memory: ${of}`,
    columns: [
      severalLoads ? 'load, design' : 'design',
      'all, ms',
      ...used.map((part) => `${part}, ms`),
      'process, MB',
      'engine, MB',
    ],
    rows: summaries.map(({ workload, contestant, processorTime, memory }) => [
      severalLoads ? `${workload}, ${contestant}` : contestant,
      amount(processorMilliseconds({ processorTime })),
      ...used.map((part) => amount(processorTime[part] ?? 0)),
      amount(memory.process),
      amount(memory.engine),
    ]),
    note:
      'From /proc, by thread. The main thread has the callers and, of the cloud, the API, the gateway, the streams and the workflow. ' +
      'Two processors have 2,000 ms a second. Memory is what was resident at most during the load, of the bench’s process and of the engine: ' +
      'both live on from turn to turn and give back little of what others needed before.',
  };
};

/** All processor time of one transfer. */
export const processorMilliseconds = ({ processorTime }: Pick<Summary, 'processorTime'>): number =>
  Object.values(processorTime).reduce((sum, time) => sum + time, 0);
