import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { describeError, withBareErrors } from '../../../functions/runtime/log/described-error.ts';
import { chosen } from '../../../functions/runtime/log/log-fields.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';

/** What DynamoDB answers where a condition failed: with the item that stood in the way. */
const cancelled = () =>
  new TransactionCanceledException({
    message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
    $metadata: { httpStatusCode: 400, requestId: 'r1' },
    CancellationReasons: [
      { Code: 'ConditionalCheckFailed', Item: { reference: { S: 'secret' } } },
      {},
    ],
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
};

describe('what a log line says of an error', () => {
  it('is its name, its message, where it was thrown and why, and the codes of an AWS service', () => {
    const described = describeError(new StoreUnavailable('throttled', cancelled()));
    expect(described).toMatchObject({
      name: 'Error',
      message: 'the event store is throttled',
      code: 'store_unavailable',
      stack: expect.stringContaining('log.test.ts'),
      cause: {
        name: 'TransactionCanceledException',
        status: 400,
        requestId: 'r1',
        cancellationReasons: ['ConditionalCheckFailed', 'None'],
      },
    });
  });

  it.each([
    ['the items that stood in the way', cancelled()],
    ['an item that a field holds', Object.assign(new Error('no'), { Item: { S: 'secret' } })],
    ['the text that is no JSON', parsed('{"reference":secret}')],
    ['a number that is none', new SyntaxError('Cannot convert secret to a BigInt')],
    ['a cause', new Error('no', { cause: Object.assign(new Error('why'), { body: 'secret' }) })],
    ['a message of two lines', parsed('secret\n    second')],
    ['what is no error', { kind: 'unknown', body: 'secret' }],
    ['the message of something thrown that is none', { message: 'secret' }],
  ])('is nothing of %s', (_, thrown) => {
    expect(JSON.stringify(describeError(thrown))).not.toContain('secret');
  });

  it('ends where errors cause each other without end', () => {
    const error = new Error('first');
    error.cause = error;
    expect(() => JSON.stringify(describeError(error))).not.toThrow();
  });
});

describe('the fields of a log line', () => {
  it('are those that are chosen, and no other, whatever was spread into them', () => {
    const spread: object = { accountId: 'a1', amount: 7, reference: 'secret', body: '{}' };
    expect(chosen({ ...spread, version: 3 })).toEqual({ accountId: 'a1', version: 3 });
  });
});

describe('a handler that throws', () => {
  it('throws an error of the same name, message and place, with nothing else in it', async () => {
    const thrown = await withBareErrors(async () => {
      throw cancelled();
    })().catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      name: 'TransactionCanceledException',
      message: expect.stringContaining('Transaction cancelled'),
      stack: expect.stringContaining('log.test.ts'),
    });
    expect(Object.keys(Object(thrown))).toEqual([]);
  });

  it('answers as before where it does not', async () => {
    expect(await withBareErrors(async (n: number) => n + 1)(1)).toBe(2);
  });
});
