import { describe, expect, it } from 'vitest';
import { AccountId, Caller } from '../../../events/values.ts';
import {
  deriveId,
  IdempotencyKey,
  keysOnAccount,
} from '../../../functions/http/request/idempotency.ts';

const derive = (caller: string, accountId: string, key: string) =>
  deriveId(
    Caller.parse(caller),
    accountId === '' ? '' : AccountId.parse(accountId),
    IdempotencyKey.parse(key),
  );

describe('the id that a key stands for', () => {
  it('is an id of 22 characters, the same every time, for ever', () => {
    expect(derive('local', 'a1', 'k')).toBe('VnCGcHkUjVCuI8t_iTtiUW');
    expect(AccountId.safeParse(derive('local', '', ' '.repeat(255))).success).toBe(true);
  });

  it('differs by caller, account and key, wherever one ends and the next begins', () => {
    const ids = [
      derive('local', 'a1', 'k'),
      derive('local2', 'a1', 'k'),
      derive('local', 'a2', 'k'),
      derive('local', 'a1', 'k2'),
      derive('local', '', 'k'),
      derive('local', 'a', '1k'),
      derive('locala', '1', 'k'),
      derive('local","a1', 'x', 'k'),
      derive('local', 'a1', '","k'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is the key of a record, and there is none without it', () => {
    const [caller, account] = [Caller.parse('local'), AccountId.parse('a1')];
    expect(keysOnAccount(caller, account, IdempotencyKey.parse('k'))).toEqual([
      `command:${derive('local', 'a1', 'k')}`,
    ]);
    expect(keysOnAccount(caller, account, undefined)).toEqual([]);
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    'k',
    'a key with spaces',
    '~!"#',
    'x'.repeat(255),
    'a,b',
    'a,ab',
    'aa',
    'a,',
    'a;a',
    'k-1,k-2,k-1',
  ])('may be %s', (key) => {
    expect(IdempotencyKey.safeParse(key).success).toBe(true);
  });

  it.each([
    'a,a',
    'a, a',
    'a ,\ta',
    'a,a,a',
    'a,b,a,b',
    'a b,a b',
    ',',
    'x'.repeat(127).concat(',', 'x'.repeat(127)),
  ])('may not come twice: %s', (key) => {
    expect(IdempotencyKey.safeParse(key).success).toBe(false);
  });

  it.each(['', 'x'.repeat(256), 'ü', 'a\nb', '\u007f'])('may not be %j', (key) => {
    expect(IdempotencyKey.safeParse(key).success).toBe(false);
  });
});
