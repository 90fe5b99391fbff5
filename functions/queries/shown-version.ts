import type { AccountId, TransferId } from '../../events/values.ts';
import type { Transfer } from '../ledger/transfer.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import type { Store } from '../store/store.ts';
import type { CommittedEvent } from '../store/stream/commit.ts';
import type { Views } from '../views/views.ts';

/** A step of a transfer, as an account's stream tells it. */
interface Step {
  readonly transferId: TransferId;
  readonly from: AccountId;
  readonly version: number;
}

/** What an account's latest commits say of its transfers. */
export interface LatestSteps {
  /** The version of the stream; 0: it is not known, since a commit of it cannot be read. */
  readonly version: number;
  /** The version of the first event that was looked at. */
  readonly from: number;
  /** Oldest first. */
  readonly steps: readonly Step[];
}

/** How many commits are looked at, and after how many events no further one is. */
const LATEST_COMMITS = 10;
const LATEST_EVENTS = 100;

/** How many are where none of the latest has a step: it would say nothing of what is shown. */
const MOST_COMMITS = 200;

/**
 * Reads what an account's latest commits say of its transfers, in one request; in more of them
 * where those have no step.
 * @returns `undefined` where there is no such account.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export const latestSteps = async (
  store: Pick<Store, 'latest'>,
  accountId: AccountId,
): Promise<LatestSteps | undefined> => {
  const events: CommittedEvent[] = [];
  let commits = 0;
  let hasStep = false;
  try {
    for await (const commit of store.latest(accountId)) {
      events.unshift(...commit.events);
      commits += 1;
      hasStep ||= commit.events.some((event) => stepOf(accountId, event));
      if (commits >= (hasStep ? LATEST_COMMITS : MOST_COMMITS)) break;
      if (hasStep && events.length >= LATEST_EVENTS) break;
    }
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    // A commit that this code cannot read was not projected either. It hides no transfer, but the
    // list goes no further.
    return { version: 0, from: events[0]?.version ?? Number.MAX_SAFE_INTEGER, steps: [] };
  }
  const [first, last] = [events[0], events.at(-1)];
  if (!first || !last) return undefined;
  return {
    version: last.version,
    from: first.version,
    steps: events.flatMap((event) => stepOf(accountId, event) ?? []),
  };
};

/** The step that an event is, if it is one: the end of a reservation that settles is none. */
const stepOf = (
  accountId: AccountId,
  { type, data, version }: CommittedEvent,
): Step | undefined => {
  if (!('transferId' in data) || !data.transferId) return undefined;
  if (type === 'ReservationCancelled' && data.reason === undefined) return undefined;
  const from = type === 'MoneyDeposited' ? data.counterparty : accountId;
  return from && { transferId: data.transferId, from, version };
};

/**
 * Up to which version of an account the list of its transfers shows what became of them.
 *
 * No row counts how far an account's views are: that would cost a write for every commit. The
 * stream's latest commits say what the list must show, and what is older than those is there: the
 * stream is delivered in order, and what was passed over rings an alarm. Where even the oldest of
 * their steps is not shown, the list is as far as its newest step: an event that is no step says
 * nothing of what was before it.
 * @param transfers what the page shows: most of the latest steps are on it, and the others are
 *   looked up.
 * @throws {StoreUnavailable} where DynamoDB did not answer in time.
 */
export const shownVersion = async (
  views: Pick<Views, 'transfer'>,
  accountId: AccountId,
  { version, from, steps }: LatestSteps,
  transfers: readonly Transfer[],
): Promise<number> => {
  const shows = (transfer: Transfer | undefined, step: Step) =>
    transfer?.steps.some(
      (shown) => shown.accountId === accountId && shown.version === step.version,
    ) ?? false;
  const onPage = (step: Step) =>
    transfers.find(
      ({ transferId, from: source }) => transferId === step.transferId && source === step.from,
    );
  const areShown = await Promise.all(
    steps.map(
      async (step) =>
        shows(onPage(step), step) || shows(await views.transfer(step.transferId, step.from), step),
    ),
  );
  const firstMissing = areShown.indexOf(false);
  const missing = steps[firstMissing];
  if (!missing && version > 0) return version;
  const before = missing?.version ?? from;
  if (missing && (firstMissing > 0 || from === 1)) return before - 1;
  return transfers
    .flatMap((transfer) => transfer.steps)
    .filter((step) => step.accountId === accountId && step.version < before)
    .reduce((newest, step) => Math.max(newest, step.version), 0);
};
