import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import {
  AccountId,
  AccountName,
  Limit,
  Metadata,
  MetadataName,
  MetadataValue,
  Version,
} from '../../../events/values.ts';
import { accountNotFound, nonAcceptance } from '../../http/answer/command-answer.ts';
import { type Details, detailsOf } from '../../http/answer/described.ts';
import { etag, json } from '../../http/answer/http-answer.ts';
import type { Problem } from '../../http/answer/problem.ts';
import {
  type HttpDependencies,
  type HttpHandler,
  httpHandler,
} from '../../http/chain/http-handler.ts';
import { executeCommand } from '../../http/execute-command.ts';
import { IfMatch } from '../../http/request/if-match.ts';
import type { Store } from '../../store/store.ts';
import { forOperators } from '../for-operators.ts';

/** What `PATCH /accounts/{accountId}` takes. */
export const amendAccountRequest = z.object({
  path: z.strictObject({ accountId: AccountId }),
  query: z.strictObject({}),
  headers: z.object({ 'if-match': z.optional(IfMatch) }),
  body: z
    .strictObject({
      name: z.optional(AccountName),
      metadata: z.optional(z.record(MetadataName, z.nullable(MetadataValue))),
      overdraftLimit: z.optional(Limit),
    })
    .check(
      z.refine(
        (body) => Object.keys(body).length > 0,
        'must have at least one of name, metadata, overdraftLimit',
      ),
    ),
});

type Changes = z.infer<typeof amendAccountRequest>['body'];

/** How often a description that was changed meanwhile is made anew. */
const ATTEMPTS = 5;

/**
 * `PATCH /accounts/{accountId}`: changes what is said of an account, and, for operators, how far it
 * may be overdrawn, both in one commit. Names of metadata that are sent are replaced, `null` removes
 * one, the others stay. What is said stands whole in one event, so it is made from what was said
 * before, and made anew where somebody else has changed that meanwhile.
 * @param dependencies the store, telemetry, and how callers are told apart.
 * @returns a handler that answers 200 with the account.
 */
export const createHandler = ({ store, ...http }: Dependencies): HttpHandler =>
  httpHandler(http, 'ledger:write', amendAccountRequest, async (input, sender) => {
    const { path, body, headers } = input;
    const { accountId } = path;
    const { caller: actor, correlationId, onlyFor } = sender;
    const { overdraftLimit } = body;
    if (overdraftLimit !== undefined && onlyFor !== undefined)
      return forOperators('overdraftLimit is sent');
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { account } = await store.load(accountId);
      if (!account || (onlyFor !== undefined && account.owner !== onlyFor))
        return accountNotFound(accountId);
      const before = await detailsOf(store, accountId, account.describedAt);
      const after = changed(before, body);
      if (!after) return metadataTooLarge;
      const described = { describedAt: account.describedAt ?? (0 as const), ...after };
      const command = {
        type: 'amend' as const,
        accountId,
        ...(isDeepStrictEqual(before, after) ? {} : { described }),
        ...(overdraftLimit === undefined ? {} : { overdraftLimit }),
      };
      const request = { command, onlyFor, actor, correlationId };
      const result = await executeCommand(store, request, sender, headers['if-match']);
      if (result.outcome === 'rejected' && result.rejection.code === 'described_anew') continue;
      if (result.outcome !== 'accepted') return nonAcceptance(command, result, undefined);
      // What is said of it by now was read before: a read that fails here would hide what was done.
      const { describedAt: _, ...amended } = result.answer ?? {};
      return json(200, { ...amended, ...after }, { ETag: etag(Version.parse(result.version)) });
    }
    return describedByOthers;
  });

/**
 * What is said of an account once it is changed.
 * @returns `undefined` where the metadata would be more than is kept.
 */
const changed = (
  before: Details,
  { name = before.name, metadata }: Changes,
): Details | undefined => {
  const names = { ...before.metadata, ...metadata };
  const kept = Object.entries(names).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const { success, data } = Metadata.safeParse(Object.fromEntries(kept));
  if (!success) return undefined;
  return {
    ...(name === undefined ? {} : { name }),
    ...(kept.length === 0 ? {} : { metadata: data }),
  };
};

const TOO_LARGE = 'would be more than 20 names or 2048 bytes of JSON, with those that are there';

const metadataTooLarge: Problem = {
  code: 'validation_failed',
  detail: `metadata ${TOO_LARGE}.`,
  errors: [{ path: 'metadata', message: TOO_LARGE }],
};

const describedByOthers: Problem = {
  code: 'try_again',
  detail: 'Nothing was done: others are changing the account. Send the same request again.',
  headers: { 'Retry-After': '1' },
};

interface Dependencies extends HttpDependencies {
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'load' | 'commitAt'>;
}
