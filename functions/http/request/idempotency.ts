import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { AccountId, Caller } from '../../../events/values.ts';
import { type RecordKey, recordKey } from '../../store/writing/record-key.ts';
import { cameTwice } from './came-twice.ts';

/** The `Idempotency-Key` header: a client's name for one command, which makes it happen once. */
export const IdempotencyKey = z
  .string()
  .check(
    z.regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters'),
    // The client may mean the text or the text twice: with a wrong guess the command happens twice.
    z.refine((key) => cameTwice(key) === undefined, 'came twice: send it once'),
  )
  .brand<'IdempotencyKey'>();
export type IdempotencyKey = z.infer<typeof IdempotencyKey>;

/**
 * The id that a key stands for. A key belongs to one caller and one account, so another caller's
 * same key is another id.
 * @param caller who sent the key.
 * @param accountId the account it belongs to; `''` where it belongs to the caller alone (opening an
 *   account).
 * @param key what was sent.
 * @returns 132 bits of sha-256 in 22 characters, each allowed in an account's or a transfer's id.
 */
export const deriveId = (caller: Caller, accountId: AccountId | '', key: IdempotencyKey): string =>
  createHash('sha256')
    .update(JSON.stringify([caller, accountId, key]))
    .digest('base64url')
    .slice(0, 22);

/**
 * The keys under which a command on one account is recorded.
 * @returns none without an `Idempotency-Key`: the command is then not protected against being sent
 *   twice.
 */
export const keysOnAccount = (
  caller: Caller,
  accountId: AccountId,
  key: IdempotencyKey | undefined,
): readonly RecordKey[] => (key === undefined ? [] : [recordKey(deriveId(caller, accountId, key))]);
