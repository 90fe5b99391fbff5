import { expect, it } from 'vitest';
import { judge } from '../../../../local-cloud/streams/verdict.ts';
import cases from './verdict-cases.json' with { type: 'json' };

const defaults = {
  maximumRetryAttempts: Number.POSITIVE_INFINITY,
  bisectBatch: false,
  reportsItemFailures: false,
};

it.each(cases)('$rule', ({ settings, batch, retries = 0, error, payload, verdict }) => {
  const invocation =
    error === undefined
      ? { ok: true as const, payload }
      : { ok: false as const, errorType: error, errorMessage: 'it failed' };

  expect(
    judge({ ...defaults, ...settings }, { sequenceNumbers: batch, retries }, invocation),
  ).toEqual(verdict);
});
