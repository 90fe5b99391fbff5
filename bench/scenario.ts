import type { Progress } from '../testing/progress.ts';
import type { Ceiling } from './ceiling.ts';
import type { SpeedLog } from './machine/speed.ts';
import type { Table } from './report/table.ts';

/** Something that is measured: one file in `scenarios/`, one part of the report. */
export interface Scenario {
  /** As the command line takes it. */
  readonly name: string;
  /** What it measures, in one line. */
  readonly summary: string;
  /** Measures it. @throws {AuditFailure} where something that must always hold did not. */
  run(context: ScenarioContext): Promise<Findings>;
}

/** What every scenario is given. */
export interface ScenarioContext {
  /** How often to measure everything; the report has medians. */
  readonly runs: number;
  readonly progress: Progress;
  /** The bare engine's figures, where this run has measured them: results are a share of them. */
  readonly ceiling: Ceiling | undefined;
  /** Where the machine's speed is kept beside what is measured. */
  readonly speeds: Pick<SpeedLog, 'take'>;
}

/** The findings of a scenario. */
export interface Findings {
  readonly tables: readonly Table[];
  /** The lines of the acceptance that this scenario decides. */
  readonly targets: readonly Target[];
  /** The same as numbers, with every single run: plain JSON. */
  readonly figures: unknown;
  /** The result of the audit of the tables at the end, in words. */
  readonly audit?: string | undefined;
}

/** A figure that was promised. */
export interface Target {
  /** What, and how much of it. */
  readonly promised: string;
  readonly measured: string;
  readonly reached: boolean;
}
