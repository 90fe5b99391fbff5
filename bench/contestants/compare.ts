import { setTimeout } from 'node:timers/promises';
import type { Audited } from '../audit/ledger.ts';
import type { Engine } from '../engine.ts';
import { type Driven, type DriveOptions, drive } from '../load/drive.ts';
import { type Workload, warmUpFor } from '../load/workload.ts';
import { type Memory, watchMemory } from '../machine/memory.ts';
import { type ProcessorTime, processorTime, processorTimePer } from '../machine/processor-time.ts';
import { perCommand, type Usage } from '../metering.ts';
import type { Contestant } from './contestant.ts';

/** One measurement of one contestant at one workload. */
export interface Measured extends Omit<Driven, 'heard'> {
  /**
   * Usage of DynamoDB per settled transfer: by the callers and by all functions behind the streams.
   */
  readonly usage: Usage;
  /** The workload's name. */
  readonly workload: string;
  /** How many transfers the functions behind the streams left to the workflow. */
  readonly leftToWorkflow: number;
  /** Per settled transfer, in milliseconds. */
  readonly processorTime: ProcessorTime;
  /** The most during the load. */
  readonly memory: Memory;
}

/**
 * Has a contestant do its work on an empty database, warmed up, one workload after the other, and
 * checks afterwards that nothing was lost.
 * @returns a measurement for each workload, and what was checked.
 * @throws {AuditFailure} where something was lost.
 */
export const measure = async (
  contestant: Contestant,
  engine: Engine,
  workloads: readonly Workload[],
  options: DriveOptions,
): Promise<{ readonly measured: readonly Measured[]; readonly audited: Audited }> => {
  const warmUp = contestant.warmUp ?? warmUpFor(workloads);
  const open = await contestant.open(engine, [warmUp, ...workloads]);
  try {
    const { heard } = await drive(open, warmUp, { limit: WARM_UP_LIMIT_MS });
    const all = new Map(heard);
    const measured: Measured[] = [];
    for (const workload of workloads) {
      await setTimeout(REST_MS);
      open.usage();
      const leftBefore = open.leftToWorkflow?.() ?? 0;
      const before = processorTime();
      const mostMemory = watchMemory();
      const { heard: ofThese, ...driven } = await drive(open, workload, options);
      for (const [id, outcome] of ofThese) all.set(id, outcome);
      measured.push({
        ...driven,
        workload: workload.name,
        usage: perCommand(open.usage(), driven.settled),
        leftToWorkflow: (open.leftToWorkflow?.() ?? 0) - leftBefore,
        processorTime: processorTimePer(before, processorTime(), driven.settled),
        memory: mostMemory(),
      });
    }
    return { measured, audited: await open.audit(all) };
  } finally {
    await open.close();
  }
};

/**
 * The pause between two loads, in milliseconds: the work that one leaves behind, and what was
 * learned from it, must not be part of the next.
 */
const REST_MS = 4_000;

/** In milliseconds; a warm-up takes less, unless nothing gets done. */
const WARM_UP_LIMIT_MS = 60_000;
