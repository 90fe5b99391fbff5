import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  type Caller,
  Currency,
  Metadata,
  Reference,
  TransferId,
} from '../../../events/values.ts';
import { recordUnreadable } from '../../http/answer/command-answer.ts';
import type { Problem } from '../../http/answer/problem.ts';
import type { Store } from '../../store/store.ts';
import { recordKey } from '../../store/writing/record-key.ts';

/** What the record that claims a transfer's id says of it, for ever. */
const RecordedTransfer = z.object({
  transferId: TransferId,
  from: AccountId,
  to: AccountId,
  amount: Amount,
  currency: Currency,
  status: z.string(),
  reference: z.optional(Reference),
  metadata: z.optional(Metadata),
});
export type RecordedTransfer = z.infer<typeof RecordedTransfer>;

/** A transfer as it was accepted, or why it is not to be had. */
export type FoundTransfer = { readonly transfer: RecordedTransfer } | { readonly problem: Problem };

/**
 * Finds an accepted transfer whose one side is the caller's, by the record that claims its id. To
 * everyone else what is there is answered like what is not.
 * @param side the side that has to be the caller's.
 * @param onlyFor the caller; absent for an operator.
 */
export const transferOf = async (
  store: Pick<Store, 'recordOf' | 'isOwnedBy'>,
  transferId: TransferId,
  side: 'from' | 'to',
  onlyFor: Caller | undefined,
): Promise<FoundTransfer> => {
  const record = await store.recordOf(recordKey(transferId));
  if (record?.outcome === 'unreadable') return { problem: recordUnreadable };
  const transfer =
    record?.outcome === 'accepted' ? RecordedTransfer.safeParse(record.answer).data : undefined;
  const isThere =
    transfer?.transferId === transferId &&
    (onlyFor === undefined || (await store.isOwnedBy(transfer[side], onlyFor)));
  return isThere ? { transfer } : { problem: transferNotFound(transferId) };
};

/** There is no such transfer, or it is not the caller's to know of. */
const transferNotFound = (transferId: TransferId): Problem => ({
  code: 'transfer_not_found',
  detail: `There is no transfer ${transferId}.`,
});

/** What the events of a transfer do not say again. */
export const saidOf = ({ reference, metadata }: RecordedTransfer) => ({
  ...(reference === undefined ? {} : { reference }),
  ...(metadata === undefined ? {} : { metadata }),
});
