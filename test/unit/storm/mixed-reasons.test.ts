import { expect, it } from 'vitest';
import { refusal } from '../../../storm/weather/http.ts';
import { mixReasons } from '../../../storm/weather/mixed-reasons.ts';
import { randomOf } from '../../../testing/random.ts';

const failed = (n: number) => ({
  Code: 'ConditionalCheckFailed',
  Item: { key: { S: `key ${n}` } },
});
const held = { Code: 'None' };
const reasonsOf = (body: string) => JSON.parse(body).CancellationReasons;
const seeds = Array.from({ length: 200 }, (_, seed) => randomOf(seed));

it('leaves out the reason of one failed condition at least, and makes none up', () => {
  const real = [failed(0), held, failed(2), failed(3)];
  for (const random of seeds) {
    const mixed = mixReasons(
      refusal('TransactionCanceledException', { CancellationReasons: real }),
      random,
    );
    const told = reasonsOf(mixed?.body ?? '');
    expect(told).toHaveLength(real.length);
    expect(
      told.filter(({ Code }: { Code: string }) => Code === 'ConditionalCheckFailed').length,
    ).toBeLessThan(3);
    expect(told.some(({ Code }: { Code: string }) => Code !== 'None')).toBe(true);
    expect(told[1]).toEqual(held);
    for (const [index, reason] of told.entries())
      if ('Item' in reason) expect(reason).toEqual(real[index]);
  }
});

it('leaves an answer alone that is no cancelled transaction, or one without a failed condition', () => {
  const conflict = refusal('TransactionCanceledException', {
    CancellationReasons: [{ Code: 'TransactionConflict' }],
  });
  for (const random of seeds) {
    expect(mixReasons(refusal('ThrottlingException'), random)).toBeUndefined();
    expect(mixReasons(conflict, random)).toBeUndefined();
  }
});
