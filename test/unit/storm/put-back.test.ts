import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faults } from '../../../storm/faults.ts';
import { withFault } from '../../../storm/put-back.ts';

const sourceOf = (file: string) =>
  readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

it.each(faults)('$name can still be put back into the code as it is', (fault) => {
  expect(fault.patches.length).toBeGreaterThan(0);
  for (const { file } of fault.patches) {
    const source = sourceOf(file);
    expect(withFault(fault, file, source)).not.toBe(source);
  }
});

it('names the fault and the file where the code has changed under it', () => {
  const [fault] = faults;
  const [patch] = fault?.patches ?? [];
  if (!fault || !patch) throw new Error('there are no faults');
  expect(() => withFault(fault, patch.file, '')).toThrow(/mixed-reasons .*lane\.ts.* 0 times/);
  expect(() => withFault(fault, patch.file, patch.find.repeat(2))).toThrow('2 times');
});
