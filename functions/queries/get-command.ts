import * as z from 'zod/mini';
import { AccountId, Timestamp, Version } from '../../events/values.ts';
import { json } from '../http/http-answer.ts';
import { type HttpHandler, httpHandler } from '../http/http-handler.ts';
import { Answer } from '../ledger/answer.ts';
import { Rejection } from '../ledger/rejection.ts';
import type { CommandRecord } from '../store/deciding/command-record.ts';
import type { CommandKey } from '../store/deciding/command-result.ts';
import type { Store } from '../store/store.ts';

/**
 * A command's id, as the `Location` of a 202 has it. What the transfer workflow records has a colon in it, and is not
 * shown.
 */
const CommandId = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the id that a Location named'));

/** What `GET /accounts/{accountId}/commands/{commandId}` takes. */
export const getCommandRequest = z.object({
  path: z.strictObject({ accountId: AccountId, commandId: CommandId }),
  query: z.strictObject({}),
});

/** What it answers, and a 202 that says `pending`: how the command was decided, once it is. */
export const CommandStatus = z.strictObject({
  accountId: AccountId,
  commandId: CommandId,
  status: z.enum(['pending', 'accepted', 'rejected']),
  at: z.optional(Timestamp),
  version: z.optional(Version),
  answer: z.optional(Answer),
  rejection: z.optional(Rejection),
});

/** Who asks for a command that has waited this long, in milliseconds, decides it: whoever should have done it may have failed. */
const OVERDUE_AFTER = 5_000;

/**
 * `GET /accounts/{accountId}/commands/{commandId}`: the place where a command that had to wait for a hot account has its
 * outcome.
 * @param dependencies `find` reads what is recorded under a key; `decide` decides a command that waits; `clock` is in
 * milliseconds since 1970.
 * @returns a handler that answers 200, with `Retry-After` while the command still waits, and 404 where none is recorded.
 */
export const createHandler = ({ find, decide, clock }: Dependencies): HttpHandler =>
  httpHandler(getCommandRequest, async ({ path: { accountId, commandId } }) => {
    const key = { streamId: accountId, commandId };
    let record = await find(key);
    if (record?.outcome === 'pending' && clock() - Date.parse(record.at) > OVERDUE_AFTER) {
      await decide(accountId, [record]);
      record = await find(key);
    }
    if (!record) return { code: 'command_not_found', detail: `Account ${accountId} has no command ${commandId}.` };
    const common = { accountId, commandId, status: record.outcome, at: record.at };
    const body: z.infer<typeof CommandStatus> =
      record.outcome === 'accepted'
        ? { ...common, version: record.version, answer: record.answer }
        : record.outcome === 'rejected'
          ? { ...common, rejection: record.rejection }
          : common;
    return json(200, body, record.outcome === 'pending' ? { 'Retry-After': '1' } : {});
  });

interface Dependencies {
  readonly find: (key: CommandKey) => Promise<CommandRecord | undefined>;
  readonly decide: Store['decidePending'];
  readonly clock: () => number;
}
