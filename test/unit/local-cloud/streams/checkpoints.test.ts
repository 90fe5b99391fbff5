import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoints } from '../../../../local-cloud/streams/checkpoints.ts';
import { eventually } from '../../../setup/eventually.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-checkpoints-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('checkpoints', () => {
  it('are there again after a restart', () => {
    const file = join(directory, 'new', 'positions.json');
    const before = openCheckpoints(file);
    before.save('shard-1', '100');
    before.save('shard-1', '200');
    before.flush();
    expect(openCheckpoints(file).load('shard-1')).toBe('200');
    expect(openCheckpoints(file).load('shard-2')).toBeUndefined();
  });

  it('reach the disk without a flush', async () => {
    const file = join(directory, 'positions.json');
    openCheckpoints(file).save('shard-1', '100');
    await eventually(() => expect(existsSync(file)).toBe(true));
    expect(openCheckpoints(file).load('shard-1')).toBe('100');
  });

  it('without a file are in memory', () => {
    const checkpoints = openCheckpoints(undefined);
    checkpoints.save('shard-1', '100');
    checkpoints.flush();
    expect(checkpoints.load('shard-1')).toBe('100');
  });

  it('refuse a file that is something else', () => {
    const file = join(directory, 'positions.json');
    writeFileSync(file, 'not json');
    expect(() => openCheckpoints(file)).toThrow('does not hold stream positions');
  });
});
