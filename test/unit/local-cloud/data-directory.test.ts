import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { databaseKey, takeDataDirectory } from '../../../local-cloud/data-directory.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'holdfast-data-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

it('is made, and is given back', () => {
  const path = join(parent, 'a', 'b');
  takeDataDirectory(path).release();
  expect(existsSync(path)).toBe(true);
  expect(() => takeDataDirectory(path)).not.toThrow();
});

it('is used by one local cloud at a time, which the refusal names', () => {
  takeDataDirectory(parent);
  expect(() => takeDataDirectory(parent)).toThrow(
    `another local cloud uses it (process ${process.pid})`,
  );
});

it('keeps the key of its tables, which nobody else can guess', () => {
  const key = databaseKey(parent);
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(databaseKey(parent)).toBe(key);
  expect(databaseKey(undefined)).not.toBe(databaseKey(undefined));
});

it('keeps the key that its tables were made under, where they are older than that', () => {
  mkdirSync(join(parent, 'dynamodb'));
  expect(databaseKey(parent)).toBe('holdfast');
  expect(databaseKey(parent)).toBe('holdfast');
});

it('is taken over from a process that was killed', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(parent, 'in-use'), String(pid));
  takeDataDirectory(parent);
  expect(readFileSync(join(parent, 'in-use'), 'utf8')).toBe(String(process.pid));
});

it('is taken over where nobody can be named', () => {
  writeFileSync(join(parent, 'in-use'), '');
  expect(() => takeDataDirectory(parent)).not.toThrow();
});

it.runIf(existsSync('/proc/self'))('where nothing can be made is refused by its name', () => {
  expect(() => takeDataDirectory('/proc/nothing/here')).toThrow(
    '/proc/nothing/here, given by --data, cannot be used',
  );
});

it.each(['file', 'file/below'])('that cannot be made is refused by its name: %s', (name) => {
  writeFileSync(join(parent, 'file'), '');
  const path = join(parent, name);
  expect(() => takeDataDirectory(path)).toThrow(
    `The directory ${path}, given by --data, cannot be used: `,
  );
});
