import type { AccountId, TransferId } from '../../../events/values.ts';
import { askUntil, type Patience, pause, untilAnswered } from '../../runtime/patience.ts';
import { isStoreUnavailable } from '../../runtime/unavailable.ts';
import type { Commit } from '../stream/commit.ts';
import { type EventsTable, loadTail } from '../stream/read.ts';
import { follow, type Tail } from '../stream/tail.ts';
import { findRecord } from '../writing/command-record.ts';
import type { RecordKey } from '../writing/record-key.ts';
import { findTotal, type ReversedTotal } from '../writing/reversed-total.ts';
import { type Sent, writeUntilKnown } from '../writing/until-known.ts';
import {
  type FoundRecord,
  MAX_TRANSACTION_ITEMS,
  type Write,
  type WriteResult,
  type WriteTables,
} from '../writing/write.ts';
import { itemsOf, nextBatch } from './batch.ts';
import type { UndecidedReason } from './command-result.ts';
import { resultOf } from './command-result.ts';
import { reasonOf } from './further-keys.ts';
import { type Plan, planFor, type Submission } from './plan.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What deciding commands takes. */
export interface DecidingDependencies extends EventsTable, WriteTables, Patience {
  readonly newId: () => string;
}

/** How commands go through a lane. */
export interface LaneOptions {
  /** In milliseconds since 1970. Every round checks it. */
  readonly deadline: number;
  /** The `writeId` of what the record under each key may replace. Other keys must be free. */
  readonly replaces?: ReadonlyMap<RecordKey, string>;
  /**
   * The account's stream as it was a moment ago, where that is known: it saves a read, if nothing
   * was appended since. Only for a lane of one account.
   */
  readonly tail?: Tail | undefined;
  /**
   * The streams of the lane's accounts, in its order, as they were read for these very commands:
   * they are as good as what the lane would read.
   */
  readonly read?: readonly Tail[] | undefined;
  /**
   * Whether a command is to leave the lane and go another way: the lane asks when it has read the
   * streams, and after each lost race. Without it commands of a lane of one account race until
   * their deadline.
   */
  readonly mayLeave?: ((race: Race) => boolean) | undefined;
}

/** How it stands with a command in its lane. */
export interface Race {
  /** The streams as far as the lane knows them, in the order of its accounts. */
  readonly tails: readonly Tail[];
  /** How many races the command has lost in this lane. */
  readonly losses: number;
  /** How many commands are in the lane. */
  readonly present: number;
}

/**
 * After this many lost races in a row, wait a little and read afresh instead of chasing the
 * streams' writers.
 */
const LOSSES_BEFORE_BACKOFF = 3;

/**
 * The waits after conflicts in a row grow no further than to the fifth, at most 320 ms: the
 * transaction in the way takes some 10, but each try costs the partition its write units.
 */
const LONGEST_CONFLICT_WAIT = 4;

/** A command in a lane, on its way to a verdict. */
interface Candidate {
  readonly submission: Submission;
  readonly deadline: number;
  readonly mayLeave: NonNullable<LaneOptions['mayLeave']>;
  /** Its place in the order in which the lane's commands came. */
  readonly arrival: number;
  /** The `arrival` of the first of those that came together with it, whose order is kept. */
  readonly cameWith: number;
  readonly replaces: Map<RecordKey, string>;
  /** The ids of all this lane's writes that held it. */
  readonly writeIds: Set<string>;
  /** Whether a try may have landed, because no answer has denied it. */
  isUncertain: boolean;
  losses: number;
  readonly settle: (verdict: Verdict) => void;
}

/**
 * An environment's line of commands for one account, or for the same several accounts, on all of
 * which each of its commands is carried out at once. Those that come while a batch is being decided
 * are decided together in the next one: a commit for each account and their records, as many as a
 * transaction holds, written together. Every command is decided in a lane: one or many, with no
 * key, one or more, with `If-Match`, sent just now or taken from the queue. Between lanes of
 * different accounts, and between environments, the conditional append decides.
 *
 * The lane goes on from its own last commits, or from the winners' that the failed conditions
 * returned, without reading the streams. What may be concluded:
 * - An acceptance is proven by the append, and so is a rejection or a mismatch in a batch that
 *   appends something. A batch that appends nothing is decided on a tail that was current while its
 *   commands were there: read, or written, after the last of them had come.
 * - A lane of several accounts concludes acceptances alone. A command that it cannot accept leaves
 *   it, undecided, as one that has lost too many races does; but for a posting, which has no other
 *   way: its refusal is concluded as on one account, since each posting appends to all of them.
 * - A write is this lane's own where what stands there has its `writeId`, and by nothing else.
 * - No command is answered with a mismatch, as too large or as failed before its records were
 *   asked.
 * - What fails in a batch may be one of its commands: each is tried alone before any of them has
 *   failed.
 * - Each command has its own deadline. One whose time is up while a write may have landed hears
 *   that this is unknown; the others go on with the same write until they know.
 */
export class Lane {
  readonly #accountIds: readonly AccountId[];
  readonly #dependencies: DecidingDependencies;
  readonly #onIdle: () => void;
  /** The commands without a verdict, in the order in which they came. */
  #open = new Set<Candidate>();
  #arrivals = 0;
  #isRunning = false;
  #tails: readonly Tail[] | undefined;
  /** The tails were current after all commands had come whose `arrival` is below this. */
  #freshFor = 0;
  #mostItems = MAX_TRANSACTION_ITEMS;
  /** Races lost in a row. */
  #losses = 0;
  /** Conflicts with other transactions since a batch was decided. */
  #conflicts = 0;
  /** The commands that this round decides; `undefined` until it has begun to. */
  #batch: readonly Candidate[] | undefined;

  /** @param onIdle told when no command is left: the lane may be forgotten. */
  constructor(
    dependencies: DecidingDependencies,
    accountIds: readonly AccountId[],
    onIdle: () => void,
  ) {
    this.#dependencies = dependencies;
    this.#accountIds = accountIds;
    this.#onIdle = onIdle;
  }

  /**
   * Lets commands into the lane, behind those that are there.
   * @returns what became of each of them, once all are known. Never rejects.
   */
  async join(
    submissions: readonly Submission[],
    { deadline, replaces = new Map(), tail, read, mayLeave = () => false }: LaneOptions,
  ): Promise<ReadonlyMap<Submission, Verdict>> {
    const isFirst = !this.#isRunning;
    const cameWith = this.#arrivals;
    if (isFirst) this.#tails = read ?? (tail && [tail]);
    const verdicts = submissions.map(async (submission) => {
      const { promise, resolve } = Promise.withResolvers<Verdict>();
      const arrival = this.#arrivals++;
      this.#open.add({
        submission,
        deadline,
        mayLeave,
        arrival,
        cameWith,
        replaces: new Map([...replaces].filter(([key]) => submission.keys.includes(key))),
        writeIds: new Set(),
        isUncertain: false,
        losses: 0,
        settle: resolve,
      });
      return [submission, await promise] as const;
    });
    if (isFirst && read) this.#know(this.#arrivals);
    this.#start();
    return new Map(await Promise.all(verdicts));
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run();
  }

  async #run(): Promise<void> {
    while (this.#open.size > 0) {
      try {
        await this.#round();
      } catch (error) {
        // A bug: no sender may wait for ever.
        for (const candidate of this.#open) this.#settle(candidate, failed(candidate, error));
      }
    }
    this.#isRunning = false;
    this.#onIdle();
  }

  /** Decides the next batch, once. */
  async #round(): Promise<void> {
    this.#expire(this.#dependencies.clock());
    if (this.#open.size === 0) return;
    this.#batch = undefined;
    const deadline = soonest(this.#open);
    try {
      await this.#next(deadline);
    } catch (error) {
      if (isStoreUnavailable(error)) return this.#expire(deadline, error.reason);
      this.#fail(this.#batch ?? [...this.#open], error);
    }
  }

  /** A batch that fails for another reason than time will fail again. */
  #fail(batch: readonly Candidate[], error: unknown): void {
    if (this.#batch && batch.length > 1) {
      this.#mostItems = 1;
      return;
    }
    for (const candidate of batch) {
      this.#askFirst(candidate, () => {
        // The account whose stream is sound is not kept from what can be done on it alone.
        const leaves = this.#canLeave(candidate) && !candidate.isUncertain;
        this.#settle(candidate, leaves ? OUTRACED : failed(candidate, error));
      });
    }
  }

  async #next(deadline: number): Promise<void> {
    const { newId, clock } = this.#dependencies;
    const tails = this.#tails ?? (await this.#load(deadline));
    if (clock() >= deadline) return this.#expire(deadline);
    if (this.#open.size === 0) return;
    const writeId = newId();
    let planned = this.#plan(tails, writeId);
    if (planned && isMissing(planned.plan)) {
      // Whoever comes from here on may know of a change that these totals do not have.
      const arrivals = this.#arrivals;
      const totals = await this.#totals(planned.plan.missing, deadline);
      if (clock() >= deadline) return this.#expire(deadline);
      planned = this.#plan(tails, writeId, { totals, arrivals });
    }
    if (!planned || isMissing(planned.plan)) {
      this.#tails = undefined;
      return;
    }
    const { batch, plan } = planned;
    if (plan === 'too_large') return this.#divide(batch);
    if (!plan.write) return this.#conclude(batch, plan, this.#freshFor);

    // The write lands after it is sent: every command that is here now was there then.
    const arrivals = this.#arrivals;
    const result = await this.#write(batch, plan.write);
    if (!result) return;
    if (result.kind === 'conflict' || result.kind === 'throttled')
      return this.#giveWay(batch, result.kind);
    const isOurs =
      result.kind === 'landed' ||
      [...result.winners, ...result.records, ...result.totals].some(
        (found) => writeIdOf(found) === writeId,
      );
    if (isOurs) return this.#conclude(batch, plan, arrivals);
    await this.#lose(batch, result);
  }

  /**
   * @param known how much of some transfers is reversed, and the commands that were there when that
   *   was read: the batch is of those alone.
   * @returns the next batch and its plan; `undefined` where the streams have to be read before
   *   anything can be concluded, or nobody is left.
   */
  #plan(
    tails: readonly Tail[],
    writeId: string,
    known?: { readonly totals: ReadonlyMap<TransferId, ReversedTotal>; readonly arrivals: number },
  ) {
    const planOf = (candidates: Iterable<Candidate>) => {
      const batch = nextBatch(candidates, this.#mostItems, tails.length);
      this.#batch = batch;
      const replaces = new Map(batch.flatMap((candidate) => [...candidate.replaces]));
      const submissions = batch.map(({ submission }) => submission);
      const now = this.#dependencies.clock();
      const plan = planFor(tails, submissions, replaces, writeId, now, known?.totals);
      return { batch, plan };
    };
    const open = known
      ? [...this.#open].filter(({ arrival }) => arrival < known.arrivals)
      : [...this.#open];
    if (open.length === 0) return undefined;
    const isFresh = ({ arrival }: Candidate) => arrival < this.#freshFor;
    const planned = planOf(open);
    if (planned.plan !== 'too_large' && (isMissing(planned.plan) || planned.plan.tails))
      return planned;
    if (planned.batch.every(isFresh)) return planned;
    // Others have come since the tails were current; the commands that were there do not wait for
    // them.
    const there = open.filter(isFresh);
    return there.length > 0 ? planOf(there) : undefined;
  }

  /**
   * Writes until the result is known, or nobody is left who wants to know.
   * @returns `undefined` where it is not known: the commands that are left go on with another plan.
   */
  async #write(batch: readonly Candidate[], write: Write): Promise<Known | undefined> {
    let mayHaveLanded = false;
    for (const candidate of batch) {
      candidate.writeIds.add(write.writeId);
      candidate.isUncertain = true;
    }
    for (;;) {
      const left = batch.filter((candidate) => this.#open.has(candidate));
      if (left.length === 0) {
        this.#tails = undefined;
        return undefined;
      }
      const deadline = soonest(left);
      const sent: Sent = await writeUntilKnown(this.#dependencies, deadline, write, {
        mayHaveLanded,
        returnsOn: this.#givesWayTo,
      }).catch((error: unknown) => {
        // No try of it can have landed.
        for (const candidate of batch) candidate.isUncertain = false;
        throw error;
      });
      const { result, cause } = sent;
      mayHaveLanded = sent.uncertain;
      // Only a try without an answer leaves open whether it landed.
      if (!mayHaveLanded) for (const candidate of batch) candidate.isUncertain = false;
      if (result.kind === 'landed' || result.kind === 'refused') return result;
      if (isMoments(result, this.#givesWayTo) && this.#dependencies.clock() < deadline)
        return result;
      if (cause !== undefined) {
        // It may have landed, and no try will tell: to decide these again could do it twice.
        this.#tails = undefined;
        for (const candidate of left)
          this.#askFirst(candidate, () => this.#settle(candidate, failed(candidate, cause)));
        return undefined;
      }
      this.#expire(deadline, reasonOf(result.kind));
      // A command that has left was told that nothing was written: it must not be sent again.
      if (!mayHaveLanded) return undefined;
    }
  }

  /**
   * Settles the batch as planned: the write has landed, or none was needed.
   * @param arrivals the streams stood so after all commands had come whose `arrival` is below this.
   */
  #conclude(batch: readonly Candidate[], plan: Plan, arrivals: number): void {
    if (plan.tails) {
      this.#tails = plan.tails;
      this.#freshFor = arrivals;
    }
    this.#losses = 0;
    this.#conflicts = 0;
    this.#mostItems = Math.min(MAX_TRANSACTION_ITEMS, this.#mostItems * 2);
    for (const [index, candidate] of batch.entries()) {
      const result = plan.results[index];
      if (!result) throw new Error('a command was planned without an outcome');
      candidate.isUncertain = false;
      if (result.outcome === 'not_at_once') {
        this.#leave(candidate);
        continue;
      }
      const decide = () => this.#settle(candidate, { kind: 'decided', result });
      if (result.outcome === 'version_mismatch') this.#askFirst(candidate, decide);
      else decide();
    }
    // The same command again: its record tells the outcome.
    const written = new Set(batch.flatMap(({ submission }) => submission.keys));
    for (const candidate of this.#open) {
      if (candidate.submission.keys.some((key) => written.has(key))) this.#askFirst(candidate);
    }
  }

  /**
   * Halves a batch whose commit would be too large. A command that does not fit alone never will,
   * unless it is decided already.
   */
  #divide(batch: readonly Candidate[]): void {
    const [only] = batch;
    if (only && batch.length === 1) {
      this.#askFirst(only, () =>
        this.#settle(only, this.#canLeave(only) ? OUTRACED : { kind: 'too_large' }),
      );
      this.#mostItems = MAX_TRANSACTION_ITEMS;
      return;
    }
    this.#mostItems = Math.max(2, Math.floor(itemsOf(batch) / 2));
  }

  /**
   * Another transaction is at work on an item of this write and will have won, which the lane reads
   * before it tries again: a race lost, as far as one can know. In a lane of several accounts the one that is
   * throttled is in the way of the others, so that is a race lost too.
   */
  async #giveWay(batch: readonly Candidate[], why: 'conflict' | 'throttled'): Promise<void> {
    // Who was in the way goes on: a try that does not know it would only be in others' way.
    if (why === 'conflict') this.#tails = undefined;
    for (const candidate of batch) candidate.losses += 1;
    this.#letLeave();
    if (this.#open.size === 0) return;
    const deadline = soonest(this.#open);
    const attempt = Math.min(this.#conflicts, LONGEST_CONFLICT_WAIT);
    this.#conflicts += 1;
    if (!(await pause(this.#dependencies, deadline, attempt))) this.#expire(deadline, 'contention');
  }

  /**
   * Another writer was faster: the items in the way tell what became of each command, and where the
   * streams go on.
   */
  async #lose(batch: readonly Candidate[], { winners, records, totals }: Refused): Promise<void> {
    // Who changed how much of a transfer is reversed has won a race too.
    const isOutraced = winners.length > 0 || totals.length > 0;
    if (
      winners.length > 0 ||
      records.some(({ outcome }) => outcome === 'accepted' || outcome === 'rejected')
    ) {
      // The items in the way never go away, so no earlier try of this write has landed, and none
      // ever will.
      for (const candidate of batch) candidate.isUncertain = false;
    }
    for (const candidate of batch) this.#hear(candidate, records);
    // A total is replaced again and again: the one that stands there may have followed the one that
    // an earlier try of this very write has put there.
    const mayHaveLanded = winners.length === 0 && batch.some(({ isUncertain }) => isUncertain);
    const nobody = (!isOutraced && records.length === 0) || (isOutraced && mayHaveLanded);
    if (isOutraced) {
      // A tail that this lane has not read may be older by more than the winner. Of a stream
      // without a known winner it is not known whether it has gone on: the next write will tell.
      this.#tails =
        this.#freshFor > 0 ? this.#tails?.map((tail) => followed(tail, winners)) : undefined;
      this.#losses += 1;
      for (const candidate of batch) candidate.losses += 1;
      if (!mayHaveLanded) this.#letLeave();
    }
    if (!nobody && (!isOutraced || this.#losses % LOSSES_BEFORE_BACKOFF > 0)) return;
    if (this.#open.size === 0) return;
    const deadline = soonest(this.#open);
    this.#tails = undefined;
    const attempt = this.#losses / LOSSES_BEFORE_BACKOFF;
    const isInTime = await pause(this.#dependencies, deadline, attempt);
    // DynamoDB did not show what stands in the way, or nothing that tells whether this write has
    // landed, so the lane reads the records. A command without a key has none.
    // None of those that came together goes on before all of them have been asked: so they keep their
    // order. A stranger's slow read holds nobody up.
    for (const together of Map.groupBy(nobody ? batch : [], ({ cameWith }) => cameWith).values()) {
      const asked: Promise<void>[] = [];
      const back: Candidate[] = [];
      for (const candidate of together) {
        const end = () => this.#settle(candidate, undecided(candidate, 'contention'));
        const comesBack = isInTime || candidate.deadline > deadline;
        const canAsk = candidate.submission.keys.length > 0;
        if (this.#dependencies.clock() >= candidate.deadline) end();
        else if (canAsk) {
          const comeBack = () => void back.push(candidate);
          asked.push(this.#askFirst(candidate, comesBack ? comeBack : end));
        } else if (candidate.isUncertain) end();
      }
      Promise.all(asked).then(() => this.#comeBack(...back));
    }
    if (!isInTime) this.#expire(deadline, 'contention');
  }

  /**
   * Asks a command's records while the lane goes on without it: the others do not wait for a slow
   * read.
   * @param otherwise what to do where they tell nothing; by default the command comes back into the
   *   lane.
   */
  async #askFirst(
    candidate: Candidate,
    otherwise = () => this.#comeBack(candidate),
  ): Promise<void> {
    if (!this.#open.delete(candidate)) return;
    const { submission, deadline } = candidate;
    const find = () =>
      Promise.all(submission.keys.map((key) => findRecord(this.#dependencies, key)));
    try {
      const found =
        submission.keys.length > 0 ? await untilAnswered(this.#dependencies, deadline, find) : [];
      if (!this.#hear(candidate, found.filter(isThere))) otherwise();
    } catch (error) {
      if (isStoreUnavailable(error)) this.#settle(candidate, undecided(candidate, error.reason));
      // The records cannot be asked. Without them the answer would be a mismatch or worse, so the
      // sender hears the failure instead.
      else this.#settle(candidate, failed(candidate, error));
    }
  }

  #comeBack(...candidates: readonly Candidate[]): void {
    if (candidates.length === 0) return;
    const all = [...this.#open, ...candidates];
    this.#open = new Set(all.toSorted((one, other) => one.arrival - other.arrival));
    this.#start();
  }

  /** Takes note of what records say of a command. @returns whether it has its verdict by that. */
  #hear(candidate: Candidate, records: readonly FoundRecord[]): boolean {
    const { submission, replaces } = candidate;
    const found = records.filter(({ key }) => submission.keys.includes(key));
    const verdict = verdictOf(submission, found, replaces);
    if (verdict) {
      const isOurs = verdict.kind === 'recorded' && candidate.writeIds.has(verdict.record.writeId);
      this.#settle(
        candidate,
        isOurs ? { kind: 'decided', result: resultOf(verdict.record, false) } : verdict,
      );
      return true;
    }
    for (const record of found) {
      if (record.outcome === 'given_up') replaces.set(record.key, record.writeId);
    }
    return false;
  }

  async #load(deadline: number): Promise<readonly Tail[]> {
    const arrivals = this.#arrivals;
    const ask = askUntil(this.#dependencies, deadline);
    const tails = await Promise.all(
      this.#accountIds.map((accountId) => loadTail(this.#dependencies, ask, accountId)),
    );
    this.#tails = tails;
    this.#know(arrivals);
    return tails;
  }

  /** The tails were read for all commands whose `arrival` is below this. */
  #know(arrivals: number): void {
    this.#freshFor = arrivals;
    this.#letLeave();
  }

  async #totals(
    transferIds: readonly TransferId[],
    deadline: number,
  ): Promise<ReadonlyMap<TransferId, ReversedTotal>> {
    const ask = askUntil(this.#dependencies, deadline);
    const found = transferIds.map(async (transferId) => {
      const total = await ask(() => findTotal(this.#dependencies, transferId));
      return [transferId, total] as const;
    });
    return new Map(await Promise.all(found));
  }

  #letLeave(): void {
    const race = { tails: this.#tails ?? [], present: this.#open.size };
    for (const candidate of this.#open) {
      if (candidate.mayLeave({ ...race, losses: candidate.losses })) this.#leave(candidate);
    }
  }

  #leave(candidate: Candidate): void {
    const { accountId } = candidate.submission.command;
    const tail = this.#tails?.find(({ streamId }) => streamId === accountId);
    this.#settle(candidate, { kind: 'outraced', tail });
  }

  get #givesWayTo(): readonly ('conflict' | 'throttled')[] {
    return this.#isAtOnce ? ['conflict', 'throttled'] : ['conflict'];
  }

  /** Whether a command can be decided on its account alone instead. A posting has no other way. */
  #canLeave({ submission }: Candidate): boolean {
    return this.#isAtOnce && submission.command.type !== 'post';
  }

  /** Whether each command is carried out on several accounts at once. */
  get #isAtOnce(): boolean {
    return this.#accountIds.length > 1;
  }

  /** Ends the wait of those whose deadline is `now` or before. */
  #expire(now: number, reason?: UndecidedReason): void {
    for (const candidate of this.#open) {
      if (candidate.deadline > now) continue;
      const lost = candidate.losses > 0 ? 'contention' : 'unavailable';
      this.#settle(candidate, undecided(candidate, reason ?? lost));
    }
  }

  #settle(candidate: Candidate, verdict: Verdict): void {
    this.#open.delete(candidate);
    candidate.settle(verdict);
  }
}

type Known = Extract<WriteResult, { kind: 'landed' | 'refused' | 'conflict' | 'throttled' }>;
type Refused = Extract<WriteResult, { kind: 'refused' }>;

const soonest = (candidates: Iterable<Candidate>): number => {
  let first = Number.POSITIVE_INFINITY;
  for (const { deadline } of candidates) first = Math.min(first, deadline);
  return first;
};

/**
 * A sender whose write may have landed is not told that nothing was written; one for whom nothing
 * was written is not told that this is unknown, because others of its lane are.
 */
const undecided = ({ isUncertain }: Candidate, reason: UndecidedReason): Verdict => {
  const known = reason === 'unknown' ? 'unavailable' : reason;
  return { kind: 'undecided', reason: isUncertain ? 'unknown' : known };
};

const failed = ({ isUncertain }: Candidate, error: unknown): Verdict => ({
  kind: 'failed',
  error,
  mayHaveLanded: isUncertain,
});

const isMoments = (
  result: WriteResult,
  kinds: readonly WriteResult['kind'][],
): result is Extract<WriteResult, { kind: 'conflict' | 'throttled' }> =>
  kinds.includes(result.kind);

const OUTRACED: Verdict = { kind: 'outraced' };

const followed = (tail: Tail, winners: readonly Commit[]): Tail => {
  const winner = winners.find(({ streamId }) => streamId === tail.streamId);
  return winner ? follow(tail, winner) : tail;
};

const isThere = (record: FoundRecord | undefined): record is FoundRecord => record !== undefined;

const isMissing = (
  plan: ReturnType<typeof planFor>,
): plan is Exclude<typeof plan, Plan | 'too_large'> => plan !== 'too_large' && 'missing' in plan;

const writeIdOf = (found: Commit | FoundRecord | ReversedTotal): string | undefined =>
  'writeId' in found ? found.writeId : undefined;
