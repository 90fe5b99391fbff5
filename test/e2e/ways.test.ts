import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { takerOfReservations } from '../../infra/constructs/transfer-ways.ts';
import { type Transfers, transfersSettings } from '../../infra/stages.ts';
import { synthesize } from '../../infra/synth.ts';
import { type Way, waysWith } from '../setup/api.ts';
import { killAroundWrite, startTestCloud, type TestCloud, unexpected } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';

/** One that all tests share, where it is of this setting. */
const assemblyWith = async (transfers: Transfers): Promise<string> => {
  if (process.env['HOLDFAST_COMPUTE'] === undefined) {
    if (transfers === inject('transfers')) return inject('assembly');
    if (transfers === inject('longTransfers')) return inject('longAssembly');
  }
  const outdir = join(import.meta.dirname, `../../build/e2e-${transfers}`);
  return synthesize({ stage: 'dev', outdir, settings: { transfers } });
};

describe.each(transfersSettings)('with transfers carried out as %s', (transfers) => {
  let cloud: TestCloud;

  beforeAll(async () => {
    cloud = await startTestCloud(await assemblyWith(transfers));
    await cloud.api.account('from', 1_000);
    await cloud.api.account('to');
  });

  afterAll(() => cloud.stop());

  const balanceOf = async (accountId: string) => {
    const { body } = await cloud.api.get(`/accounts/${accountId}`);
    return { balance: body['balance'], reserved: body['reserved'] };
  };

  const execution = (transferId: string) => cloud.api.get(`/_local/executions/${transferId}`);

  /** The states that the execution of a transfer went through. */
  const statesOf = async (transferId: string): Promise<unknown> => {
    const { body } = await eventually(async () => {
      const found = await execution(transferId);
      expect(found).toMatchObject({ status: 200, body: { status: 'SUCCEEDED' } });
      return found;
    });
    const history: unknown = body['history'];
    if (!Array.isArray(history)) throw new Error('the execution has no history');
    expect(history.at(0)).toMatchObject({ type: 'ExecutionStarted' });
    expect(history.at(-1)).toMatchObject({ type: 'ExecutionSucceeded' });
    return history.filter(({ type }) => type === 'StateEntered').map(({ state }) => state);
  };

  const stepsOf = (way: Way) => (way === 'short' ? [] : ['reserved']);

  it('a transfer is settled, and is seen to have gone that way', async () => {
    const transfer = { transferId: 'settled', from: 'from', to: 'to', amount: 300 };
    const { way, ended } = await cloud.api.transfer(transfer);
    expect(waysWith(transfers)).toContain(way);
    expect(ended.body).toMatchObject({
      status: 'settled',
      steps: [...stepsOf(way), 'credited', 'settled'].map((step) => ({ step })),
    });
    expect(await balanceOf('from')).toEqual({ balance: 700, reserved: 0 });
    expect(await balanceOf('to')).toEqual({ balance: 300, reserved: 0 });
    if (transfers === 'workflow') {
      expect(await statesOf('settled')).toEqual([
        'CreditDestination',
        'WasItCredited',
        'SettleSource',
      ]);
    } else {
      expect(await execution('settled')).toMatchObject({ status: 404 });
    }
  });

  it('one that its destination rejects is released, by the workflow', async () => {
    const transfer = { transferId: 'released', from: 'from', to: 'nobody', amount: 100 };
    const before = await balanceOf('from');
    const { way, ended } = await cloud.api.transfer(transfer);
    expect(way).toBe('long');
    expect(ended.body).toMatchObject({
      status: 'released',
      reason: 'account_not_found',
      steps: [{ step: 'reserved' }, { step: 'released' }],
    });
    expect(await balanceOf('from')).toEqual(before);
    expect(await statesOf('released')).toEqual([
      'CreditDestination',
      'WasItCredited',
      'ReleaseSource',
    ]);
  });

  it('one whose request is killed around its write is one transfer, once it is sent again', async () => {
    for (const when of ['before', 'after'] as const) {
      const transfer = { transferId: `killed-${when}`, from: 'from', to: 'to', amount: 50 };
      const { balance } = await balanceOf('to');
      const kill = killAroundWrite(cloud, 'request-transfer', [transfer.transferId], when);
      onTestFinished(kill.disarm);
      expect(await cloud.api.post('/transfers', transfer)).toMatchObject({ status: 500 });
      expect(kill.done()).toBe(true);
      const { answer, ended } = await cloud.api.transfer(transfer);
      expect(answer.headers.get('idempotency-replayed')).toBe(when === 'after' ? 'true' : null);
      expect(ended.body['status']).toBe('settled');
      expect(await balanceOf('to')).toEqual({ balance: Number(balance) + 50, reserved: 0 });
    }
  });

  it('20 at once between two accounts are all settled, each once', async () => {
    const balance = Number((await balanceOf('from')).balance);
    const ids = Array.from({ length: 20 }, (_, n) => `many-${n}`);
    await Promise.all(
      ids.map(async (transferId) => {
        const transfer = { transferId, from: 'from', to: 'to', amount: 1 };
        // It may have to queue, or hear on a busy machine that it is to try again.
        await eventually(async () => {
          const { body } = await cloud.api.post('/transfers', transfer, { Prefer: 'wait=10' });
          expect(body).toMatchObject({ status: 'settled' });
        }, 45_000);
      }),
    );
    expect(await balanceOf('from')).toEqual({ balance: balance - 20, reserved: 0 });
    if (transfers === 'workflow') {
      const found = await Promise.all(ids.map(execution));
      expect(new Set(found.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });

  it('the function that takes reservations is there, and nothing went wrong but what was killed', () => {
    expect(cloud.function(takerOfReservations(transfers)).name).toBe(
      `holdfast-dev-${takerOfReservations(transfers)}`,
    );
    expect(
      unexpected(cloud, transfers).filter((line) => !line.includes('request-transfer')),
    ).toEqual([]);
  });
});
