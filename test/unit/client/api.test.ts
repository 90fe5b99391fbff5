import { readFileSync } from 'node:fs';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { expect, it } from 'vitest';

it('the types of the client are those of the document: `npm run openapi` writes them', async () => {
  const document = new URL('../../../functions/queries/openapi.json', import.meta.url);
  const made = astToString(await openapiTypescript(document));
  const written = readFileSync('client/api.d.ts', 'utf8');
  // The generator's command line puts a comment on top.
  expect(written.replace(/^\/\*\*.*?\*\/\n\n/s, '')).toBe(made);
});

it('the code of docs/client.md is the code that runs', () => {
  const blocks = [...readFileSync('docs/client.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)];
  expect(blocks.length).toBeGreaterThan(0);
  const runs = readFileSync('client/examples.ts', 'utf8');
  for (const [, code = ''] of blocks) expect(runs).toContain(code);
});
