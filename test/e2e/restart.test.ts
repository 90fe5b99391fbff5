import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, it } from 'vitest';
import { askToken } from '../../local-cloud/identity/ask-token.ts';
import { apiAt } from '../setup/api.ts';
import { eventually } from '../setup/eventually.ts';

const directories: string[] = [];
const children = new Set<ChildProcess>();

afterAll(async () => {
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
  for (const data of directories) await rm(data, { recursive: true, force: true, maxRetries: 10 });
});

const newDirectory = async (): Promise<string> => {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-'));
  directories.push(data);
  return data;
};

/** The way of the run, or one that has a reservation to be interrupted after. */
const transfers = inject('longTransfers');

/** `npm start -- --data DIR`, and the API once it serves. */
const start = async (
  data: string,
  port = '0',
): Promise<{ readonly child: ChildProcess; readonly url: string }> => {
  const options = ['--port', port, '--data', data, '--transfers', transfers];
  const child = spawn(process.execPath, ['local-cloud/main.ts', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const url = await eventually(() => {
    const [, found] = /API +(http:\S+)/.exec(printed) ?? [];
    if (!found) throw new Error(`it does not serve; it printed:\n${printed}`);
    return found;
  }, 60_000);
  return { child, url };
};

const end = async (child: ChildProcess, signal: 'SIGINT' | 'SIGKILL') => {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
};

/**
 * The waits between attempts double, from 50 ms: the last of these comes seconds later. Fewer than
 * make a dead letter.
 */
const KILLS = 8;

// Each has its directory and its processes, and waits for those most of its time.
it.concurrent.each([
  ['stopped with Ctrl-C', 'SIGINT'],
  ['killed', 'SIGKILL'],
] as const)(
  'with --data, what was %s goes on: the same accounts, and transfers under way finish',
  { timeout: 180_000 },
  async (_, signal) => {
    const data = await newDirectory();
    const before = await start(data);
    const scope = 'ledger:read ledger:write ledger:deposit';
    const token = await askToken(before.url, { sub: 'local', scope });
    const first = { ...before, api: apiAt(before.url, token) };
    await first.api.account('alice', 100);
    await first.api.account('bob');
    await first.api.post('/transfers', {
      transferId: 'done',
      from: 'alice',
      to: 'bob',
      amount: 10,
    });
    await first.api.ended('done');
    // The next one gets as far as its reservation: who would credit it is killed again and again,
    // and tries later each time.
    for (let times = 0; times < KILLS; times += 1) {
      const killed = await first.api.post('/_local/kill', {
        function: transfers === 'workflow' ? 'credit-transfer' : 'carry-out-transfers',
        when: 'before-next-write',
      });
      expect(killed.status).toBe(202);
    }
    await first.api.post('/transfers', {
      transferId: 'under-way',
      from: 'alice',
      to: 'bob',
      amount: 30,
    });
    await eventually(async () =>
      expect(await first.api.get('/transfers/under-way')).toMatchObject({ status: 200 }),
    );
    expect((await first.api.get('/accounts/bob')).body).toMatchObject({ balance: 10 });
    expect((await first.api.get('/transfers/under-way')).body).toMatchObject({
      status: 'reserved',
    });
    await end(first.child, signal);

    // On the same port the issuer is the same, and has the same key: the token is still good.
    const after = await start(data, new URL(before.url).port);
    const second = { ...after, api: apiAt(after.url, token) };
    expect(await second.api.get('/accounts/alice')).toMatchObject({ status: 200 });
    expect((await second.api.ended('under-way')).body['status']).toBe('settled');
    expect((await second.api.get('/accounts/alice')).body).toMatchObject({
      balance: 60,
      reserved: 0,
    });
    expect((await second.api.get('/accounts/bob')).body).toMatchObject({ balance: 40 });
    expect((await second.api.get('/transfers/done')).body['status']).toBe('settled');
    await end(second.child, 'SIGINT');
  },
);
