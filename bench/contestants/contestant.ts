import type { Audited } from '../audit/ledger.ts';
import type { Engine } from '../engine.ts';
import type { Bank } from '../load/drive.ts';
import type { Workload } from '../load/workload.ts';
import type { Usage } from '../metering.ts';

/** A design that takes part in a comparison. */
export interface Contestant {
  /** As the tables call it. */
  readonly name: string;
  /** The work before the clock starts, where two transfers by every caller are not enough. */
  readonly warmUp?: Workload;
  /**
   * Makes it ready on an empty database.
   * @param workloads all that it will be asked to do: their accounts are opened, with
   *   `OPENING_BALANCE` each.
   */
  open(engine: Engine, workloads: readonly Workload[]): Promise<OpenContestant>;
}

/** A design at work. */
interface OpenContestant extends Bank {
  /** All that it has asked of DynamoDB since the last call of this. */
  usage(): Usage;
  /** How many transfers its functions have left to the workflow so far, where it has one. */
  leftToWorkflow?(): number;
  /**
   * Waits until nothing is under way any more and checks, from the tables, that nothing was lost.
   * @param heard what each transfer's caller heard of it.
   * @throws {AuditFailure} where something was lost.
   */
  audit(heard: ReadonlyMap<string, string>): Promise<Audited>;
  close(): Promise<void>;
}
