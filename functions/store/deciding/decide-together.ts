import type { AccountId } from '../../../events/values.ts';
import { askUntil, type Patience, pause, untilAnswered } from '../../runtime/patience.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import { type EventsTable, loadTail } from '../stream/read.ts';
import { follow, type Tail } from '../stream/tail.ts';
import { type DecidedRecord, findRecord, type PendingRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';
import { writeUntilKnown } from '../writing/until-known.ts';
import {
  type FoundRecord,
  MAX_TRANSACTION_ITEMS,
  type WriteResult,
  type WriteTables,
} from '../writing/write.ts';
import type { CommandResult, UndecidedReason } from './command-result.ts';
import { resultOf } from './command-result.ts';
import { reasonOf } from './further-keys.ts';
import { type Plan, planFor, type Submission } from './plan.ts';

/** What deciding commands takes. */
export interface DecidingDependencies extends EventsTable, WriteTables, Patience {
  readonly newId: () => string;
}

/** What became of one of the commands. */
export type Verdict =
  /** This call decided it; or nothing had to be written to know. */
  | { readonly kind: 'decided'; readonly result: CommandResult }
  /** It was decided before, by another call. */
  | { readonly kind: 'recorded'; readonly record: DecidedRecord }
  /** The same command is pending under one of its keys. */
  | { readonly kind: 'pending'; readonly record: PendingRecord }
  /** One of its keys belongs to another command. */
  | { readonly kind: 'reused' }
  /**
   * A command that was taken from the queue is no longer what its record says: it was given up, or
   * replaced by its repeat.
   */
  | { readonly kind: 'given_up' }
  /** It has lost as many races as were allowed. Nothing was written for it. */
  | { readonly kind: 'outraced' }
  /** Even alone its commit would near DynamoDB's limit for an item. Nothing was written for it. */
  | { readonly kind: 'too_large' }
  /** The time was up. Nothing was written for it, unless the reason is `unknown`. */
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason }
  /**
   * It cannot be decided by this code, or as DynamoDB is now; no record tells what became of it.
   */
  | { readonly kind: 'failed'; readonly error: unknown; readonly mayHaveLanded: boolean };

/** How commands are decided together. */
export interface TogetherOptions {
  /** In milliseconds since 1970. It is looked at in every round. */
  readonly deadline: number;
  /**
   * What the records of pending commands may replace, by their `writeId`. Other keys must be free.
   */
  readonly replaces?: ReadonlyMap<RecordKey, string>;
  /**
   * The stream as it was a moment ago, where that is known: it saves reading it, if nothing has
   * been appended since.
   */
  readonly tail?: Tail | undefined;
  /**
   * Whether `tail` was read while these commands were there already: then a rejection may be
   * decided on it.
   */
  readonly isFresh?: boolean;
  /**
   * After so many lost races those who are left are `outraced`; else they go on until the deadline.
   */
  readonly mostLosses?: number | undefined;
}

/**
 * After this many lost races in a row, wait a little and read afresh instead of chasing the
 * stream's writers.
 */
const LOSSES_BEFORE_BACKOFF = 3;

/**
 * Decides commands of one account, in order, on one state: as many as a transaction holds become
 * one commit and their records, written together. Whoever decides anything uses this: one command
 * or many, with no key, one or more, with `If-Match`, sent just now or taken from the queue.
 *
 * What may be concluded here:
 * - An acceptance is proven by the append, and so is a rejection or a mismatch in a batch that
 *   appends something. A batch that appends nothing is decided on a tail that was read, or won,
 *   while its commands were there.
 * - A write is this call's own where what stands there has its `writeId`, and by nothing else.
 * - No command is answered with a mismatch, as too large or as failed before its records were
 *   asked.
 * - What fails in a batch may be one of its commands: each is tried alone before any of them has
 *   failed.
 * @param submissions the commands.
 * @returns what became of each of them: of one, whatever becomes of the others.
 */
export const decideTogether = async (
  dependencies: DecidingDependencies,
  accountId: AccountId,
  submissions: readonly Submission[],
  options: TogetherOptions,
): Promise<ReadonlyMap<Submission, Verdict>> => {
  const round = new Deciding(dependencies, accountId, submissions, options);
  try {
    while (round.open().length > 0) await round.nextOrFail();
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
    round.end(error.reason);
  }
  return round.verdicts;
};

/** One account's commands on their way to a verdict each. */
class Deciding {
  readonly verdicts = new Map<Submission, Verdict>();
  readonly #dependencies: DecidingDependencies;
  readonly #accountId: AccountId;
  readonly #submissions: readonly Submission[];
  readonly #deadline: number;
  readonly #mostLosses: number;
  readonly #replaces: Map<RecordKey, string>;
  /** Those of whom a try may have landed, as nobody has said otherwise. */
  readonly #uncertain = new Set<Submission>();
  /** All writes of this call, by their ids: for whom each was. */
  readonly #writes = new Map<string, readonly Submission[]>();
  #tail: Tail | undefined;
  /** Whether the tail was current at a moment when all of these commands were there. */
  #isFresh: boolean;
  #mostItems = MAX_TRANSACTION_ITEMS;
  #losses = 0;
  /** What this round decides; `undefined` until it has begun to. */
  #batch: readonly Submission[] | undefined;

  constructor(
    dependencies: DecidingDependencies,
    accountId: AccountId,
    submissions: readonly Submission[],
    {
      deadline,
      replaces = new Map(),
      tail,
      isFresh = false,
      mostLosses = Number.POSITIVE_INFINITY,
    }: TogetherOptions,
  ) {
    this.#dependencies = dependencies;
    this.#accountId = accountId;
    this.#submissions = submissions;
    this.#deadline = deadline;
    this.#mostLosses = mostLosses;
    this.#replaces = new Map(replaces);
    this.#tail = tail;
    this.#isFresh = isFresh;
  }

  open(): readonly Submission[] {
    return this.#submissions.filter((submission) => !this.verdicts.has(submission));
  }

  /**
   * Leaves those without a verdict undecided. Whose write may have landed is not told that nothing
   * was written.
   */
  end(reason: UndecidedReason): void {
    for (const submission of this.open()) {
      this.verdicts.set(submission, {
        kind: 'undecided',
        reason: this.#uncertain.has(submission) ? 'unknown' : reason,
      });
    }
  }

  /**
   * Decides the next batch, once. Where that fails for another reason than time, it will fail
   * again.
   */
  async nextOrFail(): Promise<void> {
    this.#batch = undefined;
    try {
      await this.#next();
    } catch (error) {
      if (isStoreUnavailable(error)) throw error;
      await this.#fail(this.#batch ?? this.open(), error);
    }
  }

  async #fail(batch: readonly Submission[], error: unknown): Promise<void> {
    if (this.#batch && batch.length > 1) {
      this.#mostItems = 1;
      return;
    }
    for (const submission of batch) {
      const isKnown = await this.#asked(submission).catch((again: unknown) => {
        if (isStoreUnavailable(again)) throw again;
        return false;
      });
      const mayHaveLanded = this.#uncertain.has(submission);
      if (!isKnown) this.verdicts.set(submission, { kind: 'failed', error, mayHaveLanded });
    }
  }

  async #next(): Promise<void> {
    const { newId, clock } = this.#dependencies;
    const tail = this.#tail ?? (await this.#load());
    if (clock() >= this.#deadline) return this.end(this.#losses > 0 ? 'contention' : 'unavailable');
    const batch = nextBatch(this.open(), this.#mostItems);
    this.#batch = batch;
    const plan = planFor(tail, batch, this.#replaces, newId(), clock());
    if (!this.#isFresh && (plan === 'too_large' || !plan.tail)) {
      this.#tail = undefined;
      return;
    }
    if (plan === 'too_large') return this.#divide(batch);
    if (!plan.write) return this.#conclude(batch, plan);

    this.#writes.set(plan.write.writeId, batch);
    for (const submission of batch) this.#uncertain.add(submission);
    const { result, uncertain } = await writeUntilKnown(
      this.#dependencies,
      this.#deadline,
      plan.write,
    );
    // Only a try without an answer leaves it open whether it landed.
    if (!uncertain) for (const submission of batch) this.#uncertain.delete(submission);
    if (result.kind === 'landed') return this.#conclude(batch, plan);
    if (result.kind !== 'refused') {
      return this.end(reasonOf(result.kind));
    }
    const { writeId } = plan.write;
    const isOurs = [result.winner, ...result.records].some((found) => writeIdOf(found) === writeId);
    if (isOurs) return this.#conclude(batch, plan);
    await this.#lose(batch, result);
  }

  /** What was planned is so: it was written, or nothing had to be. */
  async #conclude(batch: readonly Submission[], plan: Plan): Promise<void> {
    const mismatches: [Submission, CommandResult][] = [];
    for (const [index, submission] of batch.entries()) {
      const result = plan.results[index];
      if (!result) throw new Error('a command was planned without an outcome');
      this.#uncertain.delete(submission);
      if (result.outcome === 'version_mismatch') mismatches.push([submission, result]);
      else this.verdicts.set(submission, { kind: 'decided', result });
    }
    if (plan.tail) {
      this.#tail = plan.tail;
      this.#isFresh = true;
    }
    this.#losses = 0;
    this.#mostItems = Math.min(MAX_TRANSACTION_ITEMS, this.#mostItems * 2);
    // Last, for it may take until the time is up: what has become of the others is known by then.
    for (const [submission, result] of mismatches) {
      if (!(await this.#asked(submission)))
        this.verdicts.set(submission, { kind: 'decided', result });
    }
  }

  /**
   * A commit would be too large: half as many may fit; one that does not fit alone never will,
   * unless it is decided already.
   */
  async #divide(batch: readonly Submission[]): Promise<void> {
    const [only] = batch;
    if (only && batch.length === 1) {
      if (!(await this.#asked(only))) this.verdicts.set(only, { kind: 'too_large' });
      this.#mostItems = MAX_TRANSACTION_ITEMS;
      return;
    }
    this.#mostItems = Math.max(2, Math.floor(itemsOf(batch) / 2));
  }

  /**
   * Somebody else was faster: what stands in the way tells what became of whom, and where the
   * stream goes on.
   */
  async #lose(batch: readonly Submission[], { winner, records }: Refused): Promise<void> {
    if (winner || records.some(({ outcome }) => outcome === 'accepted' || outcome === 'rejected')) {
      // What stands there never goes away, so no earlier try of this write has landed, and none
      // ever will.
      for (const submission of batch) this.#uncertain.delete(submission);
    }
    for (const submission of batch) this.#hear(submission, records);
    if (winner) {
      const tail = this.#tail;
      // A tail that was not read just now may be older by more than the winner.
      this.#tail = this.#isFresh && tail ? follow(tail, winner) : undefined;
      this.#losses += 1;
      if (this.#losses >= this.#mostLosses) {
        for (const submission of this.open()) this.verdicts.set(submission, { kind: 'outraced' });
        return;
      }
    }
    const nobody = !winner && records.length === 0;
    if (!nobody && (!winner || this.#losses % LOSSES_BEFORE_BACKOFF > 0)) return;
    if (!(await pause(this.#dependencies, this.#deadline, this.#losses / LOSSES_BEFORE_BACKOFF))) {
      return this.end('contention');
    }
    this.#tail = undefined;
    if (!nobody) return;
    // Nothing was shown of what stands in the way: it is read instead. Without a key there is
    // nothing that could be read.
    for (const submission of batch) {
      if (submission.keys.length > 0) await this.#asked(submission);
      else if (this.#uncertain.has(submission))
        this.verdicts.set(submission, { kind: 'undecided', reason: 'unknown' });
    }
  }

  /** Asks a command's records. @returns whether one of them tells what became of it. */
  async #asked(submission: Submission): Promise<boolean> {
    const find = () =>
      Promise.all(submission.keys.map((key) => findRecord(this.#dependencies, key)));
    const found = await untilAnswered(this.#dependencies, this.#deadline, find);
    this.#hear(
      submission,
      found.filter((record) => record !== undefined),
    );
    return this.verdicts.has(submission);
  }

  /** Takes note of what records say of a command. */
  #hear(submission: Submission, records: readonly FoundRecord[]): void {
    const found = records.filter(({ key }) => submission.keys.includes(key));
    const verdict = verdictOf(submission, found, this.#replaces);
    if (verdict) {
      const isOurs =
        verdict.kind === 'recorded' &&
        this.#writes.get(verdict.record.writeId)?.includes(submission);
      this.verdicts.set(
        submission,
        isOurs ? { kind: 'decided', result: resultOf(verdict.record, false) } : verdict,
      );
      return;
    }
    for (const record of found) {
      if (record.outcome === 'given_up') this.#replaces.set(record.key, record.writeId);
    }
  }

  async #load(): Promise<Tail> {
    const ask = askUntil(this.#dependencies, this.#deadline);
    const tail = await loadTail(this.#dependencies, ask, this.#accountId);
    this.#tail = tail;
    this.#isFresh = true;
    return tail;
  }
}

type Refused = Extract<WriteResult, { kind: 'refused' }>;

/**
 * What the records under a command's keys say of it; `undefined`: nothing that stands in its way.
 */
const verdictOf = (
  { fingerprint, pendingId }: Submission,
  found: readonly FoundRecord[],
  replaces: ReadonlyMap<RecordKey, string>,
): Verdict | undefined => {
  if (found.some(({ outcome }) => outcome === 'unreadable'))
    return { kind: 'undecided', reason: 'record_unreadable' };
  const records = found.filter((record) => record.outcome !== 'unreadable');
  if (records.some((record) => record.fingerprint !== fingerprint)) return { kind: 'reused' };
  for (const record of records) {
    if (record.outcome === 'accepted' || record.outcome === 'rejected')
      return { kind: 'recorded', record };
  }
  for (const record of records) {
    if (record.writeId === replaces.get(record.key)) continue;
    if (pendingId !== undefined) return { kind: 'given_up' };
    if (record.outcome === 'pending') return { kind: 'pending', record };
  }
  return undefined;
};

const writeIdOf = (found: Refused['winner'] | FoundRecord): string | undefined =>
  found && 'writeId' in found ? found.writeId : undefined;

const itemsOf = (batch: readonly Submission[]): number =>
  batch.reduce((sum, command) => sum + placesOf(command), 1);

/**
 * A command without a key takes no item, yet as many of them as items are allowed are enough for a
 * commit.
 */
const placesOf = ({ keys }: Submission): number => Math.max(1, keys.length);

/**
 * The first of the commands, as many as their items fit a transaction, but no key twice: a
 * transaction writes an item once.
 * @param mostItems at most so many items, the commit included; one command is always taken.
 */
const nextBatch = (commands: readonly Submission[], mostItems: number): readonly Submission[] => {
  const taken = new Set<RecordKey>();
  const batch: Submission[] = [];
  let items = 1;
  for (const command of commands) {
    items += placesOf(command);
    if (batch.length > 0 && (items > mostItems || command.keys.some((key) => taken.has(key))))
      break;
    for (const key of command.keys) taken.add(key);
    batch.push(command);
  }
  return batch;
};
