import * as z from 'zod/mini';
import { AccountId, Timestamp, Version } from '../../events/values.ts';
import {
  PublicRejection,
  publicRejection,
  recordUnreadable,
} from '../http/answer/command-answer.ts';
import { describedAnswer } from '../http/answer/described.ts';
import { type EndOfHold, endedAs, notKnownYet } from '../http/answer/end-of-hold.ts';
import { json } from '../http/answer/http-answer.ts';
import type { Problem } from '../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../http/chain/http-handler.ts';
import { Answer } from '../ledger/answers.ts';
import type { RecordedAnswer } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';
import type { CommandRecord } from '../store/writing/command-record.ts';
import { recordKey } from '../store/writing/record-key.ts';

/**
 * A command's id, as the `Location` of a 202 has it. The keys of the transfer workflow have a colon
 * in them, so a client cannot ask for their records.
 */
const CommandId = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the id that a Location named'));

/** What `GET /accounts/{accountId}/commands/{commandId}` takes. */
export const getCommandRequest = z.object({
  path: z.strictObject({ accountId: AccountId, commandId: CommandId }),
  query: z.strictObject({}),
});

/** What it answers, and a 202 that says `pending`: how the command was decided, once it is. */
export const CommandStatus = z.object({
  accountId: AccountId,
  commandId: CommandId,
  status: z.enum(['pending', 'accepted', 'rejected', 'given_up']),
  at: z.optional(Timestamp),
  version: z.optional(Version),
  answer: z.optional(Answer),
  rejection: z.optional(PublicRejection),
});

/**
 * A request for a command that has been pending this long decides it: decide-pending may have
 * failed.
 */
const OVERDUE_AFTER_MS = 5_000;

/**
 * `GET /accounts/{accountId}/commands/{commandId}`: tells the outcome of a command that was pending
 * on a hot account.
 * @param dependencies the store, how a hold ended that is gone, `clock` in milliseconds since 1970, telemetry, and how callers are
 *   told apart.
 * @returns a handler that answers 200, with `Retry-After` while the command is pending, and 404
 *   where none is recorded, or the account is not the caller's.
 */
export const createHandler = ({ store, endOfHold, clock, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:read', getCommandRequest, async ({ path }, { onlyFor }) => {
    const { accountId, commandId } = path;
    const notFound: Problem = {
      code: 'command_not_found',
      detail: `Account ${accountId} has no command ${commandId}.`,
    };
    if (onlyFor && !(await store.isOwnedBy(accountId, onlyFor))) return notFound;
    const key = recordKey(commandId);
    // A record of another account's command counts as none, as does a claim for many commands; and
    // a posting, which never waits: the owner of one of its accounts may not see all of its legs.
    const ofAccount = async () => {
      const found = await store.recordOf(key);
      if (found === undefined || found.outcome === 'unreadable') return found;
      const isOfAccount = found.outcome !== 'claimed' && found.accountId === accountId;
      return isOfAccount && !isPosting(found) ? found : undefined;
    };
    let record = await ofAccount();
    if (record?.outcome === 'pending' && isOverdue(record.at, clock())) {
      await store.help(record);
      record = await ofAccount();
    }
    if (!record) return notFound;
    if (record.outcome === 'unreadable') return recordUnreadable;
    const ended = await howItEnded(record, endOfHold);
    if (ended === 'not_known') return notKnownYet;
    const status = statusOf(ended ?? record, commandId);
    const answer = status.answer && (await describedAnswer(store, status.answer));
    return json(
      200,
      { ...status, ...(answer && { answer }) },
      record.outcome === 'pending' ? { 'Retry-After': '1' } : {},
    );
  });

/** Whether a command was a posting, as far as anything is told of it. */
const isPosting = (record: CommandRecord): boolean =>
  (record.outcome === 'accepted' &&
    record.answer?.['postingId'] !== undefined &&
    record.answer['legs'] !== undefined) ||
  (record.outcome === 'rejected' &&
    (record.rejection.leg !== undefined || record.rejection.code === 'unbalanced_legs'));

/** What a capture or a void hears that came too late: how the hold ended, which views and events tell. */
const howItEnded = async (
  record: Exclude<CommandRecord, { outcome: 'claimed' }>,
  endOfHold: EndOfHold,
) => {
  if (record.outcome !== 'rejected') return undefined;
  const { code, transferId } = record.rejection;
  if (code !== 'hold_ended' || transferId === undefined) return undefined;
  const rejection = await endedAs(transferId, record.accountId, endOfHold);
  return rejection ? { ...record, rejection } : 'not_known';
};

/**
 * A time ahead of now comes from a wrong clock and tells nothing of the age: such a command must
 * not wait until then, so it counts as overdue.
 */
const isOverdue = (at: Timestamp, now: number): boolean => {
  const age = now - Date.parse(at);
  return age > OVERDUE_AFTER_MS || age < 0;
};

/** A client hears an answer as it was recorded, whatever shape answers have by now. */
type RecordedStatus = Omit<z.infer<typeof CommandStatus>, 'answer'> & {
  readonly answer?: RecordedAnswer | undefined;
};

const statusOf = (
  record: Exclude<CommandRecord, { outcome: 'claimed' }>,
  commandId: string,
): RecordedStatus => {
  const { accountId, outcome: status, at } = record;
  const common = { accountId, commandId, status, at };
  switch (record.outcome) {
    case 'accepted':
      return { ...common, version: record.version, answer: record.answer };
    case 'rejected':
      return { ...common, rejection: publicRejection(record.rejection) };
    case 'pending':
    case 'given_up':
      return common;
  }
};

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'recordOf' | 'help' | 'isOwnedBy' | 'commitAt'>;
  readonly endOfHold: EndOfHold;
  readonly clock: () => number;
}
