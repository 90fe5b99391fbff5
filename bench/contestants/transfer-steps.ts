import { Command } from '../../functions/ledger/account.ts';
import type { Store } from '../../functions/store/store.ts';
import { postingKey } from '../../functions/store/writing/record-key.ts';
import { UNFINISHED, UNKNOWN } from '../load/drive.ts';
import { requests, type Transfer } from '../load/ledger-requests.ts';

/**
 * A transfer whose caller takes all of its steps: reserve, credit, settle, unless it is carried out
 * at once. The reservation may fail, as it is the caller's own request; the caller tries the other steps until they are done, as
 * the workflow does.
 * @returns `settled`, why the reservation was not made, or {@link UNFINISHED} where the signal came
 *   first.
 */
export const transferInSteps = async (
  store: Pick<Store, 'execute'>,
  transfer: Transfer,
  signal: AbortSignal,
  atOnce = false,
): Promise<string> => {
  const reserved = await reserve(store, transfer, signal, atOnce);
  return reserved === 'accepted' ? carryOut(store, transfer, signal) : reserved;
};

/**
 * The other steps of a reserved transfer: credit and settle, each tried until it is done.
 * @returns `settled`, or {@link UNFINISHED} where the signal came first.
 */
export const carryOut = async (
  store: Pick<Store, 'execute'>,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<string> => {
  for (const step of [requests.credit(transfer), requests.settle(transfer)]) {
    const done = await decided(store, step, signal, true);
    if (done !== 'accepted') return done;
  }
  return 'settled';
};

/**
 * A transfer's first step, which its caller asks for.
 * @param atOnce whether it may be carried out at once.
 * @returns `settled` where it was, `accepted`, why it was not decided, or {@link UNFINISHED} where the signal came first.
 */
export const reserve = (
  store: Pick<Store, 'execute'>,
  transfer: Transfer,
  signal: AbortSignal,
  atOnce: boolean,
): Promise<string> => decided(store, { ...requests.reserve(transfer), atOnce }, signal, false);

/**
 * A deposit into the account that a transfer names, under the transfer's id.
 * @returns `settled`, why it was not decided, or {@link UNFINISHED} where the signal came first.
 */
export const depositOnce = async (
  store: Pick<Store, 'execute'>,
  { id, to, amount }: Transfer,
  signal: AbortSignal,
): Promise<string> => {
  const done = await decided(store, requests.deposit(to, amount, id), signal, false);
  return done === 'accepted' ? 'settled' : done;
};

/**
 * A transfer as a posting of two legs: both accounts in one transaction, and no other way to go.
 * @returns `settled`, why it was not decided, or {@link UNFINISHED} where the signal came first.
 */
export const postOnce = async (
  store: Pick<Store, 'execute'>,
  { id, from, to, amount }: Transfer,
  signal: AbortSignal,
): Promise<string> => {
  const { actor, correlationId } = requests.deposit(to, amount, id);
  const legs = [
    { accountId: from, amount: -amount },
    { accountId: to, amount },
  ];
  const command = Command.parse({ type: 'post', accountId: from, postingId: id, legs });
  const request = { command, keys: [postingKey(id)], actor, correlationId };
  const done = await decided(store, request, signal, false);
  return done === 'accepted' ? 'settled' : done;
};

const decided = async (
  store: Pick<Store, 'execute'>,
  request: Parameters<Store['execute']>[0],
  signal: AbortSignal,
  insisting: boolean,
): Promise<string> => {
  let mayBeDone = false;
  while (!signal.aborted) {
    const result = await store.execute(request);
    switch (result.outcome) {
      case 'accepted':
        return result.answer?.['status'] === 'settled' ? 'settled' : 'accepted';
      case 'pending':
      case 'in_progress':
        // The loop sends the same request with the same key, which asks after it.
        mayBeDone = true;
        break;
      case 'undecided':
        // Of what waits already, a repeat that comes to nothing tells nothing.
        if (!insisting) return mayBeDone ? UNKNOWN : result.reason;
        break;
      default:
        throw new Error(`${request.command.type} was ${result.outcome}: ${JSON.stringify(result)}`);
    }
  }
  return UNFINISHED;
};
