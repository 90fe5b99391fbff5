import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';

const foldersIn = (folder: string): string[] => [
  folder,
  ...readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => foldersIn(path.join(folder, name))),
];

const sourcesIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.ts'));

it.each(foldersIn('functions'))('%s holds at most twelve files side by side', (folder) => {
  expect(sourcesIn(folder).length).toBeLessThanOrEqual(12);
});

it('docs/imports.mmd shows the imports as they are: `npm run graph` draws them', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-graph-'));
  try {
    const drawn = path.join(directory, 'imports.mmd');
    execFileSync('npm', ['run', '-s', 'graph', '--', '--output-to', drawn]);
    expect(readFileSync('docs/imports.mmd', 'utf8')).toBe(readFileSync(drawn, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
