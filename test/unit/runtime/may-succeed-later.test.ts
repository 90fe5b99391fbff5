import { expect, it } from 'vitest';
import { maySucceedLater } from '../../../functions/runtime/failure.ts';
import { StoreUnavailable } from '../../../functions/runtime/unavailable.ts';

const named = (name: string, more: object = {}) =>
  Object.assign(new Error(name), { name, ...more });

it.each([
  ['time that ran out', new StoreUnavailable('throttled', undefined)],
  ['a throttle', named('ProvisionedThroughputExceededException')],
  ['a timeout', named('TimeoutError')],
  ['a lost connection', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
  [
    'a system error that nobody listed',
    Object.assign(new Error('too many files'), { code: 'EMFILE' }),
  ],
  ['a right that is missing', named('AccessDeniedException', { $fault: 'client' })],
  [
    'an answer that was refused',
    named('ValidationException', { $metadata: { httpStatusCode: 400 } }),
  ],
  ['credentials that could not be had', named('CredentialsProviderError')],
  ['an answer that says nothing', named('UnreadableAnswer')],
])('%s may go better another time', (_, error) => {
  expect(maySucceedLater(error)).toBe(true);
});

it.each([
  ['a commit that cannot be read', new Error('not a commit: amount')],
  ['a value that is none', named('$ZodError', { issues: [] })],
  ['a mistake in this code', new TypeError('undefined is not a function')],
  ['what is no error', 'a string'],
])('%s will fail again', (_, error) => {
  expect(maySucceedLater(error)).toBe(false);
});
