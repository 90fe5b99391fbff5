import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { checks } from '../../smoke/checks.ts';
import { joinTestCloud, type TestCloud } from '../setup/cloud.ts';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await joinTestCloud();
});

afterAll(() => cloud.stop());

const smoke = (
  ...args: readonly string[]
): Promise<{ status: unknown; lines: string[]; errors: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['smoke/main.ts', ...args], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, lines: stdout.trim().split('\n'), errors: stderr }),
    );
  });

it('finds a ledger that works well, check by check, and leaves by 0; twice, for its accounts are its own', async () => {
  for (const url of [cloud.url, `${cloud.url}/`]) {
    const { status, lines } = await smoke('--url', url, '--token', cloud.operator);
    expect(lines.slice(1, -1).map((line) => line.split(':')[0])).toEqual(
      checks.map(({ name }) => `ok    ${name}`),
    );
    expect(lines.at(-1)).toBe('All is well.');
    expect(status).toBe(0);
  }
  expect(cloud.warnings).toEqual([]);
});

it('says of every check that failed what was seen, and leaves by 1: a loser that may not see the winner, for one', async () => {
  // Both have read the account before one of them writes to it.
  const both = Promise.withResolvers<void>();
  let writers = 0;
  const disarm = cloud.intercept(async (call, forward) => {
    const isMeant = call.functionName.endsWith('-withdraw') && call.body.includes('-race');
    if (isMeant && (call.operation === 'PutItem' || call.operation === 'TransactWriteItems')) {
      writers += 1;
      if (writers === 2) both.resolve();
      await both.promise;
    }
    const answer = await forward();
    const lost = answer.status === 400 && isMeant;
    return lost
      ? { ...answer, body: Buffer.from('{"__type":"com.amazonaws#AccessDeniedException"}') }
      : answer;
  });
  onTestFinished(disarm);
  const { status, lines } = await smoke('--url', cloud.url, '--token', cloud.operator);
  expect(lines[1]).toMatch(
    /^FAIL {2}of two withdrawals at once exactly one wins: .*AccessDeniedException/,
  );
  expect(lines.at(-1)).toBe('1 of 6 checks failed.');
  expect(status).toBe(1);
});

it('says so where no ledger answers, or something else does', async () => {
  const server = createServer((_, response) => response.end('<html>hello</html>')).listen(
    0,
    '127.0.0.1',
  );
  onTestFinished(() => void server.close());
  const address: string | AddressInfo | null = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const other = await smoke('--url', `http://127.0.0.1:${port}`);
  const none = await smoke('--url', 'http://127.0.0.1:1');
  expect([other.status, none.status]).toEqual([1, 1]);
  expect(none.lines[1]).toContain('fetch failed');
});

it.each([
  [[], '--url is missing'],
  [['--url', 'here'], '--url takes a URL, not "here"'],
  [['--ur', 'x'], '--ur'],
])('%j is answered with what is wrong, and 2', async (args, message) => {
  const { status, errors } = await smoke(...args);
  expect(errors).toContain(message);
  expect(errors).toContain('npm run smoke -- --help');
  expect(status).toBe(2);
});
