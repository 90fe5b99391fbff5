import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../functions/runtime/failure.ts';

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });
const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });
const cancelled = (...reasons: object[]) =>
  named('TransactionCanceledException', { CancellationReasons: reasons, ...status(400) });
const found = { key: { S: 'command:k' } };

describe('what a failed request means', () => {
  it.each([
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'RequestTimeTooSkewed',
    'RequestExpired',
    'RequestInTheFuture',
    'ExpiredTokenException',
  ])('%s was turned away before anything was written: the same may be sent again', (name) =>
    expect(failureOf(named(name, status(400)))).toEqual({ kind: 'turned_away' }),
  );

  it.each([
    [named('Throttling', status(400))],
    [named('ThrottlingException', status(400))],
    [named('TooManyRequestsException', status(429))],
    [named('SlowDown', status(503))],
    [named('RequestLimitExceeded', status(400))],
    [named('Unheard-of', status(429))],
  ])('%s is throttling', (error) => expect(failureOf(error)).toEqual({ kind: 'throttled' }));

  it.each([
    ['a transaction that is still under way', named('TransactionInProgressException', status(400))],
    ['a 200 that is no JSON', Object.assign(new SyntaxError('x'), status(200))],
    ['a 200 that says nothing', named('UnreadableAnswer')],
    ['half a body of any status', Object.assign(new SyntaxError('x'), { $response: {} })],
    ['a bare 500', named('', status(500))],
    ['a 502 of a proxy', named('Error', status(502))],
    ['a 408', named('', status(408))],
    ['a lost connection', named('Error', { code: 'ECONNRESET' })],
    ['a timeout', named('TimeoutError')],
  ])('of %s nobody knows whether it was carried out', (_name, error) =>
    expect(failureOf(error)).toEqual({ kind: 'unknown' }),
  );

  it.each([
    named('AccessDeniedException', status(400)),
    named('ValidationException', status(400)),
    new Error('bug'),
    'x',
  ])('%s is none of these, and thrown on', (error) =>
    expect(() => failureOf(error)).toThrow(error instanceof Error ? error : undefined),
  );
});

describe('a cancelled transaction', () => {
  const failed = { Code: 'ConditionalCheckFailed', Item: found };

  it.each([
    [{ Code: 'TransactionConflict' }],
    [{ Code: 'ThrottlingError' }],
    [{ Code: 'ProvisionedThroughputExceeded' }],
    [{ Code: 'None' }],
    [{}],
  ])('says of an item with the reason %o beside a failed condition nothing', (reason) => {
    expect(failureOf(cancelled(failed, reason))).toEqual({
      kind: 'condition',
      items: [found, 'not_known'],
    });
    expect(failureOf(cancelled(reason, failed))).toEqual({
      kind: 'condition',
      items: ['not_known', found],
    });
  });

  it('whose condition failed on an item that is not shown says so', () =>
    expect(failureOf(cancelled({ Code: 'ConditionalCheckFailed' }))).toEqual({
      kind: 'condition',
      items: [{}],
    }));

  it.each([
    [[{ Code: 'TransactionConflict' }, { Code: 'None' }], 'conflict'],
    [[{ Code: 'TransactionConflict' }, { Code: 'ThrottlingError' }], 'throttled'],
    [[{ Code: 'None' }, { Code: 'None' }], 'conflict'],
    [[], 'conflict'],
  ])('for %o alone was not written, and may be sent again', (reasons, kind) =>
    expect(failureOf(cancelled(...reasons))).toEqual({ kind }),
  );

  it('for a mistake in the request is thrown on', () => {
    const error = cancelled({ Code: 'ValidationError' }, { Code: 'TransactionConflict' });
    expect(() => failureOf(error)).toThrow(error);
  });
});
