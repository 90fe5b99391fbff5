import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Currency,
  Metadata,
  Reference,
  TransferId,
} from '../../../events/values.ts';
import { acceptance, nonAcceptance } from '../../http/answer/command-answer.ts';
import type { HttpAnswer } from '../../http/answer/http-answer.ts';
import { isProblem, type Problem, problemAnswer } from '../../http/answer/problem.ts';
import type { Sender } from '../../http/chain/http-handler.ts';
import type { Scope } from '../../http/identity/scope.ts';
import { deriveId, IdempotencyKey } from '../../http/request/idempotency.ts';
import { RequestTime } from '../../http/request/request-time.ts';
import { readValue } from '../../http/request/validation.ts';
import type { Command } from '../../ledger/account.ts';
import type { CommandRequest, CommandResult } from '../../store/deciding/command-result.ts';
import type { Store } from '../../store/store.ts';
import { type RecordKey, recordKey } from '../../store/writing/record-key.ts';
import { whyNoSuchHold } from '../transfers/terms-of-hold.ts';

const movement = {
  key: z.optional(IdempotencyKey),
  accountId: AccountId,
  amount: Amount,
  currency: z.optional(Currency),
  reference: z.optional(Reference),
};

/** One of the requests of a bulk: the body of its own route, and what stands beside that there. */
export const BulkItem = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('deposit'), ...movement }),
  z.strictObject({ type: z.literal('withdrawal'), ...movement }),
  z.strictObject({
    type: z.literal('transfer'),
    key: z.optional(IdempotencyKey),
    transferId: z.optional(TransferId),
    from: AccountId,
    to: AccountId,
    amount: Amount,
    currency: z.optional(Currency),
    reference: z.optional(Reference),
    metadata: z.optional(Metadata),
    hold: z.optional(z.strictObject({ expiresAt: z.optional(RequestTime) })),
  }),
]);
type BulkItem = z.infer<typeof BulkItem>;

/** Read by itself: what is wrong names the parts of the item, and `item` where it is none. */
const ItemRequest = z.object({ item: BulkItem });

/** What became of an item: as its own request would have been answered. */
export const BulkResult = z.object({
  status: z.int(),
  body: z.looseObject({}),
  replayed: z.optional(z.boolean()),
});
export interface BulkResult {
  readonly status: number;
  readonly body: unknown;
  readonly replayed?: true;
}

/** An item that is to be decided, or what became of it before that. */
export type PreparedItem =
  | {
      readonly request: CommandRequest;
      readonly toResult: (result: CommandResult) => BulkResult;
      /** Whether only the owner of its account may ask for it. */
      readonly isOfOwner: boolean;
    }
  | { readonly result: BulkResult };

interface ItemDependencies {
  readonly sender: Sender;
  /** The id that the key of the whole request stands for. */
  readonly bulkId: string | undefined;
  readonly newId: () => string;
  readonly store: Pick<Store, 'recordOf'>;
  /** In milliseconds since 1970. */
  readonly clock: () => number;
}

/** Reads the items of a request, in order. */
export const readItems = async (
  dependencies: ItemDependencies,
  items: readonly unknown[],
): Promise<PreparedItem[]> => {
  const prepared: PreparedItem[] = [];
  for (const [index, item] of items.entries())
    prepared.push(await prepare(dependencies, item, index));
  return prepared;
};

const prepare = async (
  { sender, bulkId, newId, store, clock }: ItemDependencies,
  value: unknown,
  index: number,
): Promise<PreparedItem> => {
  const read = readValue(ItemRequest, { item: value });
  if (!read.ok) return { result: resultOf(read.problem, pathIn(value)) };
  const { item } = read.input;
  const scope: Scope = item.type === 'deposit' ? 'ledger:deposit' : 'ledger:write';
  if (!sender.may(scope)) return { result: resultOf(outOfScope(scope), pathOf(item)) };
  const { caller: actor, correlationId } = sender;
  const accountId = item.type === 'transfer' ? item.from : item.accountId;
  const own = item.key && deriveId(actor, accountId, item.key);
  const derived = own ?? (bulkId && deriveItemId(sender, bulkId, index));
  const { command, keys } = commandOf(item, derived, newId);
  if (item.type === 'transfer') {
    const problem = await whyNoSuchHold(store, clock(), item.hold?.expiresAt, keys);
    if (problem) return { result: resultOf(problem, pathOf(item)) };
  }
  const repeatableBy = item.key ? 'key' : bulkId ? 'Idempotency-Key' : idOf(item);
  return {
    request: { command, keys, actor, correlationId },
    isOfOwner: item.type !== 'deposit',
    toResult: (result) => resultOf(answerTo(command, result, repeatableBy), pathOf(item)),
  };
};

/** The id that an item has by its place in a request with a key. */
const deriveItemId = ({ caller }: Sender, bulkId: string, index: number): string =>
  deriveId(caller, '', IdempotencyKey.parse(`bulk ${bulkId} ${index}`));

const commandOf = (
  { key: _, ...item }: BulkItem,
  derived: string | undefined,
  newId: () => string,
): { readonly command: Command; readonly keys: readonly RecordKey[] } => {
  const keys = derived === undefined ? [] : [recordKey(derived)];
  if (item.type === 'deposit') return { command: item, keys };
  if (item.type === 'withdrawal') return { command: { ...item, type: 'withdraw' }, keys };
  const { transferId: sentId, from: accountId, hold, type: __, ...rest } = item;
  const transferId = sentId ?? TransferId.parse(derived ?? newId());
  const command: Command = hold
    ? { ...rest, ...hold, type: 'hold', accountId, transferId }
    : { ...rest, type: 'reserve', accountId, transferId };
  return { command, keys: [...new Set([recordKey(transferId), ...keys])] };
};

const idOf = (item: BulkItem): string | undefined =>
  item.type === 'transfer' && item.transferId ? `transferId ${item.transferId}` : undefined;

const answerTo = (
  command: Command,
  result: CommandResult,
  repeatableBy: string | undefined,
): HttpAnswer | Problem =>
  result.outcome === 'accepted'
    ? acceptance(result, command.type === 'deposit' || command.type === 'withdraw' ? 201 : 202, {})
    : nonAcceptance(command, result, repeatableBy);

/** The path of an item's own request. */
const pathOf = (item: BulkItem): string =>
  item.type === 'transfer' ? '/transfers' : `/accounts/${item.accountId}/${item.type}s`;

/** The path of what may be an item; `/bulk`: it does not say what it is. */
const pathIn = (value: unknown): string => {
  const { success, data } = Addressed.safeParse(value);
  if (!success) return '/bulk';
  return data.type === 'transfer' ? '/transfers' : `/accounts/${data.accountId}/${data.type}s`;
};

/** As much of an item as its path needs. */
const Addressed = z.discriminatedUnion('type', [
  z.looseObject({ type: z.enum(['deposit', 'withdrawal']), accountId: AccountId }),
  z.looseObject({ type: z.literal('transfer') }),
]);

const resultOf = (outcome: HttpAnswer | Problem, path: string): BulkResult => {
  const { statusCode, headers, body } = isProblem(outcome) ? problemAnswer(outcome, path) : outcome;
  const replayed = headers['Idempotency-Replayed'] === 'true' ? { replayed: true as const } : {};
  return { status: statusCode, body: JSON.parse(body), ...replayed };
};

const outOfScope = (scope: Scope): Problem => ({
  code: 'forbidden',
  detail: `This takes the scope ${scope}, which the token does not have.`,
});
