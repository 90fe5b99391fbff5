import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { askToken } from '../../local-cloud/identity/ask-token.ts';
import { type Api, apiAt } from '../setup/api.ts';
import { eventually } from '../setup/eventually.ts';

const children = new Set<ChildProcess>();

afterAll(async () => {
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
  await rm(data, { recursive: true, force: true, maxRetries: 10 });
});

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

const scope = 'ledger:read ledger:write ledger:deposit';

/** A ledger that serves, as its client sees it. */
interface Serving extends Awaited<ReturnType<typeof start>> {
  readonly api: Api;
}
let data: string;
let token: string | undefined;
/** What goes on from one test to the next: each of them starts it anew. */
let running: Serving;

const serving = async (port?: string): Promise<Serving> => {
  const started = await start(data, port);
  token ??= await askToken(started.url, { sub: 'local', scope });
  return { ...started, api: apiAt(started.url, token) };
};

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'holdfast-'));
  running = await serving();
  await running.api.account('alice', 100);
  await running.api.account('bob');
}, 60_000);

it.each([
  ['stopped with Ctrl-C', 'SIGINT', { alice: 60, bob: 40 }],
  ['killed', 'SIGKILL', { alice: 20, bob: 80 }],
] as const)(
  'with --data, what was %s goes on: the same accounts, and transfers under way finish',
  { timeout: 180_000 },
  async (_, signal, balances) => {
    const { api, child, url } = running;
    const [done, underWay] = [`done-${signal}`, `under-way-${signal}`];
    await api.post('/transfers', { transferId: done, from: 'alice', to: 'bob', amount: 10 });
    await api.ended(done);
    // The next one gets as far as its reservation: who would credit it is killed again and again,
    // and tries later each time.
    for (let times = 0; times < KILLS; times += 1) {
      const killed = await api.post('/_local/kill', {
        function: transfers === 'workflow' ? 'credit-transfer' : 'carry-out-transfers',
        when: 'before-next-write',
      });
      expect(killed.status).toBe(202);
    }
    await api.post('/transfers', { transferId: underWay, from: 'alice', to: 'bob', amount: 30 });
    await eventually(async () =>
      expect(await api.get(`/transfers/${underWay}`)).toMatchObject({
        status: 200,
        body: { status: 'reserved' },
      }),
    );
    expect((await api.get('/accounts/bob')).body).toMatchObject({ balance: balances.bob - 30 });
    await end(child, signal);

    // On the same port the issuer is the same, and has the same key: the token is still good.
    running = await serving(new URL(url).port);
    expect(await running.api.get('/accounts/alice')).toMatchObject({ status: 200 });
    expect((await running.api.ended(underWay)).body['status']).toBe('settled');
    expect((await running.api.get('/accounts/alice')).body).toMatchObject({
      balance: balances.alice,
      reserved: 0,
    });
    expect((await running.api.get('/accounts/bob')).body).toMatchObject({ balance: balances.bob });
    expect((await running.api.get(`/transfers/${done}`)).body['status']).toBe('settled');
  },
);
