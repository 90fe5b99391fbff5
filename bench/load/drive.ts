import type { Transfer } from './ledger-requests.ts';
import type { Workload } from './workload.ts';

/** How transfers are made in one of the designs that are compared. */
export interface Bank {
  /**
   * Makes a transfer.
   * @param caller which of the callers asks, from 0: they share nothing but the tables, where the
   *   design says so.
   * @param signal the time for this is up. What has been begun may be left open.
   * @returns `settled`, or why it was not; {@link UNFINISHED} where the signal came first,
   *   {@link UNKNOWN} where it may have been made or not.
   */
  transfer(transfer: Transfer, caller: number, signal: AbortSignal): Promise<string>;
}

/** A transfer that the time was too short for. */
export const UNFINISHED = 'unfinished';

/** A transfer whose request was answered in no way that could be read: it may be done or not. */
export const UNKNOWN = 'unknown';

/** How the callers behave. */
export interface DriveOptions {
  /** After this time a transfer that has not settled does not count any more; in milliseconds. */
  readonly limit: number;
  /** How long a caller waits before each of its transfers, in milliseconds. Absent: not at all. */
  readonly pause?: (() => Promise<unknown>) | undefined;
}

/** The result of a workload. */
export interface Driven {
  readonly total: number;
  readonly settled: number;
  /** Why the others were not, and how many each; `unfinished`: the limit came first. */
  readonly notSettled: Readonly<Record<string, number>>;
  readonly perSecond: number;
  /**
   * From the caller's first request until it knew of the end, of those that settled, in
   * milliseconds.
   */
  readonly latencies: readonly number[];
  /** What the caller heard of each transfer that it began, by the transfer's id. */
  readonly heard: ReadonlyMap<string, string>;
}

/** Has callers make transfers, each one at a time, the next one in line as soon as it is free. */
export const drive = async (
  bank: Bank,
  workload: Workload,
  { limit, pause }: DriveOptions,
): Promise<Driven> => {
  const { transfers, concurrency } = workload;
  const timeUp = new AbortController();
  const heard = new Map<string, string>();
  const latencies: number[] = [];
  let next = 0;
  let finishedAt = 0;
  const startedAt = performance.now();
  const timer = setTimeout(() => timeUp.abort(), limit);

  const call = async (caller: number): Promise<void> => {
    for (
      let transfer = transfers[next++];
      transfer && !timeUp.signal.aborted;
      transfer = transfers[next++]
    ) {
      if (pause) await pause();
      const begunAt = performance.now();
      const outcome = await bank.transfer(transfer, caller, timeUp.signal);
      heard.set(transfer.id, outcome);
      const endedAt = performance.now();
      if (outcome !== 'settled' || timeUp.signal.aborted) continue;
      latencies.push(endedAt - begunAt);
      finishedAt = endedAt;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, caller) => call(caller)));
  clearTimeout(timer);

  const reasons = [...heard.values()].filter(
    (outcome) => outcome !== 'settled' && outcome !== UNFINISHED,
  );
  const unfinished = transfers.length - latencies.length - reasons.length;
  const counted = [...Map.groupBy(reasons, (reason) => reason)].map(
    ([reason, all]) => [reason, all.length] as const,
  );
  // A contestant whose transfers failed late took that time too.
  const seconds =
    (reasons.length > 0 ? performance.now() - startedAt : finishedAt - startedAt) / 1_000;
  return {
    total: transfers.length,
    settled: latencies.length,
    notSettled: Object.fromEntries(
      unfinished > 0 ? [...counted, [UNFINISHED, unfinished]] : counted,
    ),
    perSecond: latencies.length === 0 ? 0 : latencies.length / Math.min(seconds, limit / 1_000),
    latencies,
    heard,
  };
};
