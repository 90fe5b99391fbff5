import type { RecordKey } from '../writing/record-key.ts';
import type { Submission } from './plan.ts';

/** An object that holds a command to decide. */
interface OfCommand {
  readonly submission: Pick<Submission, 'keys' | 'command'>;
}

/**
 * The first commands, as many as their items fit a transaction, but no key twice: a transaction
 * writes an item once.
 * @param mostItems the most items, the commits included; one command is always taken.
 * @param commits how many of the items are commits.
 */
export const nextBatch = <T extends OfCommand>(
  commands: Iterable<T>,
  mostItems: number,
  commits = 1,
): readonly T[] => {
  const taken = new Set<RecordKey>();
  const batch: T[] = [];
  let items = commits;
  for (const command of commands) {
    const { keys } = command.submission;
    items += placesOf(command);
    if (batch.length > 0 && (items > mostItems || keys.some((key) => taken.has(key)))) break;
    for (const key of keys) taken.add(key);
    batch.push(command);
  }
  return batch;
};

/** How many items a transaction of a batch counts for. */
export const itemsOf = (batch: readonly OfCommand[]): number =>
  batch.reduce((sum, command) => sum + placesOf(command), 1);

/**
 * A command without a key takes no item, but counts as one, so that a commit stays bounded. One that
 * may change how much of a transfer is reversed takes one for that.
 */
const placesOf = ({ submission: { keys, command } }: OfCommand): number =>
  Math.max(1, keys.length) + (MAY_DRAW.has(command.type) ? 1 : 0);

const MAY_DRAW: ReadonlySet<string> = new Set(['reverse', 'release']);
