import { type Meter, perCommand, type Usage } from '../metering.ts';
import { median } from '../statistics.ts';

/** What one command of a kind costs. */
export interface MeasuredCost {
  readonly design: string;
  readonly operation: Operation;
  /** How many events its account had before; absent where that does not matter. */
  readonly history?: number;
  /** How many callers there were at once. */
  readonly contention: number;
  readonly usage: Usage;
  /** How long one command took its caller, in milliseconds. */
  readonly milliseconds: number;
}

/**
 * The ways in which Holdfast makes a transfer: *the short way* is one transaction on both accounts,
 * where nobody is in its way; *the long way* reserves, credits and settles, each in a commit of its
 * own.
 */
export type Way = 'transfer, the short way' | 'transfer, the long way';

/** The commands that have a price. `transfer`: of a design that knows one way alone. */
export type Operation =
  | Way
  | 'open'
  | 'open, with id'
  | 'deposit'
  | 'deposit, with id'
  | 'withdraw'
  | 'withdraw, with id'
  | 'transfer'
  | 'views of an opening'
  | 'views of a deposit'
  | `views of a ${Way}`;

/**
 * Has callers send commands and says what one command cost.
 * @param load how many callers there are at once, and how many commands each sends, one after the
 *   other.
 * @param send sends one command.
 */
export const costOf = async (
  meter: Meter,
  { callers, each }: { readonly callers: number; readonly each: number },
  send: (caller: number) => Promise<void>,
): Promise<Pick<MeasuredCost, 'contention' | 'usage' | 'milliseconds'>> => {
  const durations: number[] = [];
  const call = async (caller: number): Promise<void> => {
    for (let n = 0; n < each; n += 1) {
      const begunAt = performance.now();
      await send(caller);
      durations.push(performance.now() - begunAt);
    }
  };
  meter.take();
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return {
    contention: callers,
    usage: perCommand(meter.take(), callers * each),
    milliseconds: median(durations),
  };
};

/** Of several measurements of the same cost, the median of every figure. */
export const medianCost = (costs: readonly MeasuredCost[]): MeasuredCost => {
  const [first] = costs;
  if (!first) throw new Error('a cost that was never measured has no median');
  const middle = (of: (cost: MeasuredCost) => number) => median(costs.map(of));
  return {
    ...first,
    usage: {
      requests: middle(({ usage }) => usage.requests),
      readUnits: middle(({ usage }) => usage.readUnits),
      writeUnits: middle(({ usage }) => usage.writeUnits),
      conflicts: middle(({ usage }) => usage.conflicts),
      throttles: middle(({ usage }) => usage.throttles),
    },
    milliseconds: middle(({ milliseconds }) => milliseconds),
  };
};
