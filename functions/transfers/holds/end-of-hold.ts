import type { AccountId, TransferId } from '../../../events/values.ts';
import { Transfer } from '../../ledger/transfer.ts';
import type { Store } from '../../store/store.ts';
import type { CommittedEvent } from '../../store/stream/commit.ts';
import { recordKey } from '../../store/writing/record-key.ts';
import type { Views } from '../../views/views.ts';

/** How a hold ended that is on its account no more. */
type End = 'captured' | 'voided' | 'expired' | 'never_held';

/** Tells how the hold of a transfer ended: see {@link createEndOfHold}. */
export type EndOfHold = (transferId: TransferId, from: AccountId) => Promise<End | undefined>;

/** What asking takes. */
export interface EndOfHoldDependencies {
  readonly views: Pick<Views, 'transfer'>;
  readonly store: Pick<Store, 'recordOf' | 'latest'>;
}

/** How many commits of the source are looked at, newest first. */
const MOST_COMMITS = 500;

/**
 * Tells whoever wanted to capture or void a hold, and heard that it has ended (`hold_ended`), how
 * it did. The account keeps nothing of what has ended, and the views may be behind: what they do
 * not show yet stands in the source's stream, between its tail and the event that the transfer
 * began with, and is looked for there.
 * @param dependencies the views and the store.
 * @returns asks it of a transfer and its source. The answer is `undefined` where it is not known:
 *   the end lies more than 500 commits back and no view shows it, or what is recorded cannot be
 *   read. Nothing may be concluded then, and the caller has to ask again. It throws a
 *   `StoreUnavailable` where DynamoDB did not answer in time.
 */
export const createEndOfHold =
  ({ views, store }: EndOfHoldDependencies): EndOfHold =>
  async (transferId, from) => {
    let isUnreadable = false;
    const row = views.transfer(transferId, from, () => {
      isUnreadable = true;
    });
    // At once: whoever asks has decided a command before, and has to answer in time.
    const [shown, record] = await Promise.all([row, recorded(store, transferId, from)]);
    const ended = shown && endShownBy(shown);
    if (ended) return ended;
    const begun = shown ?? (isUnreadable ? 'unreadable' : record);
    if (begun === 'unknown') return undefined;
    if (begun === 'never_held') return begun;
    // Of a damaged row the stream still tells, though nobody knows how far back.
    const first = begun === 'unreadable' ? 1 : (begun.steps[0]?.version ?? 1);
    let looked = 0;
    for await (const commit of store.latest(from)) {
      for (const event of commit.events.toReversed()) {
        const told = endToldBy(event, transferId);
        if (told) return told === 'unknown' ? undefined : told;
      }
      looked += 1;
      if (commit.version <= first || looked === MOST_COMMITS) return undefined;
    }
    return undefined;
  };

/** How a transfer ended as a hold, where it shows that. */
const endShownBy = ({ heldAmount, reason, steps }: Transfer): End | undefined => {
  if (heldAmount === undefined) return 'never_held';
  if (steps.some(({ step }) => step === 'reserved' || step === 'settled')) return 'captured';
  return reason === undefined ? undefined : endByReason(reason);
};

// A credit that was rejected has a capture before it, which the row may not show yet.
const endByReason = (reason: string): End =>
  reason === 'voided' || reason === 'expired' ? reason : 'captured';

/** The transfer as it began, by the record that claims its id; only that can tell of none. */
const recorded = async (
  store: EndOfHoldDependencies['store'],
  transferId: TransferId,
  from: AccountId,
): Promise<Transfer | 'never_held' | 'unknown'> => {
  const record = await store.recordOf(recordKey(transferId));
  if (record?.outcome === 'unreadable' || record?.outcome === 'pending') return 'unknown';
  if (record?.outcome !== 'accepted') return 'never_held';
  // An `Idempotency-Key` becomes an id too, and may stand for something else.
  if (record.answer?.['transferId'] !== transferId) return 'never_held';
  const { success, data } = Transfer.safeParse(record.answer);
  if (!success) return 'unknown';
  return data.from === from && data.heldAmount !== undefined ? data : 'never_held';
};

/**
 * What an event says of how a transfer's hold ended: the latest that says anything of the transfer
 * decides. `unknown`: it is held still, though its caller heard otherwise.
 */
const endToldBy = (
  { type, data }: CommittedEvent,
  transferId: TransferId,
): End | 'unknown' | undefined => {
  if (!('transferId' in data) || data.transferId !== transferId) return undefined;
  switch (type) {
    case 'HoldCaptured':
      return 'captured';
    case 'MoneyHeld':
      return 'unknown';
    case 'MoneyReserved':
      return 'never_held';
    case 'ReservationCancelled':
      // Settled, or released after a credit that was rejected: of a hold, once it was captured. Of
      // a transfer that was never held the reservation before it tells.
      return data.reason === 'voided' || data.reason === 'expired' ? data.reason : undefined;
    default:
      return undefined;
  }
};
