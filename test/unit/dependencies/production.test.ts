import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Bill, billOfMaterials } from '../../../dependencies/sbom.ts';
import { type Weight, weights } from '../../../dependencies/weights.ts';

const Dependencies = z.record(z.string(), z.string());
const manifest = z
  .object({
    name: z.string(),
    dependencies: Dependencies,
    devDependencies: Dependencies,
    optionalDependencies: Dependencies,
  })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));
const { dependencies, devDependencies, optionalDependencies } = manifest;

let bill: Bill;
let weighed: readonly Weight[];
beforeAll(async () => {
  [bill, weighed] = await Promise.all([billOfMaterials(), weights()]);
});

describe('dependencies', () => {
  it.each(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))(
    '%s is pinned to one version',
    (_, version) => {
      expect(version).toMatch(/^(npm:[a-z-]+@)?\d+\.\d+\.\d+$/);
    },
  );

  it('come from wherever npm is told to ask: the lock file names no registry', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"');
  });
});

describe('docs/dependencies.md', () => {
  const page = readFileSync('docs/dependencies.md', 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| `([^`]+)` \| ([\d.]+) \| ([\d,]+) \| .+ \| .+ \|$/gm)].map(
      ([, name = '', version = '', bytes = '']) => [
        name,
        { version, bytes: Number(bytes.replaceAll(',', '')) },
      ],
    ),
  );

  it('decides on every production dependency, in its version, and on no other', () => {
    const decided = Object.fromEntries([...rows].map(([name, { version }]) => [name, version]));
    expect(decided).toEqual(dependencies);
  });

  it('weighs each as it is, within a tenth: `npm run weights`', () => {
    for (const [name, { bytes }] of rows) {
      const now = weighed.find((one) => one.name === name)?.bytes ?? 0;
      expect(Math.abs(bytes - now), `${name}: ${now}`).toBeLessThanOrEqual(now / 10);
    }
  });
});

describe('the bill of materials', () => {
  it('lists every package that is in a bundle, and names none that only a tool needs', () => {
    const listed = new Set(bill.components.map(({ name }) => name));
    const bundled = weighed.map(({ name }) => name).filter((name) => name !== manifest.name);
    expect(bundled.filter((name) => !listed.has(name))).toEqual([]);
    expect(Object.keys(devDependencies).filter((name) => listed.has(name))).toEqual([
      // The logger needs it too.
      '@aws/lambda-invoke-store',
    ]);
    expect([...listed].filter((name) => name.startsWith('node-'))).toEqual([]);
  });

  it('says nothing of when, where and from where it was made', () => {
    expect(bill.metadata.component.name).toBe(manifest.name);
    const text = JSON.stringify(bill);
    expect(text).not.toMatch(/serialNumber|timestamp|registry\./);
    expect(text).not.toContain(process.cwd());
  });

  it('refers to nothing that it does not list', () => {
    const listed = new Set(bill.components.map((one) => one['bom-ref']));
    listed.add(bill.metadata.component['bom-ref']);
    for (const { ref, dependsOn } of bill.dependencies)
      for (const name of [ref, ...dependsOn]) expect(listed).toContain(name);
  });
});
