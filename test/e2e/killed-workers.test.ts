import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { killAroundWrite, startTestCloud, type TestCloud } from '../setup/cloud.ts';
import { requests } from '../setup/ledger-requests.ts';
import { createMeteredStore } from '../setup/metered-store.ts';

let cloud: TestCloud;
let accounts = 0;

beforeAll(async () => {
  cloud = await startTestCloud();
});

afterAll(() => cloud.stop());

const twoAccounts = async () => {
  accounts += 1;
  const [from, to] = [`from-${accounts}`, `to-${accounts}`];
  await cloud.api.account(from, 100);
  await cloud.api.account(to);
  return { from, to };
};

const entriesOf = async (accountId: string) => {
  const { body } = await cloud.api.get(`/accounts/${accountId}`);
  return { balance: body['balance'], reserved: body['reserved'] };
};

/**
 * Refuses carry-out-transfers the tables, so that it leaves every transfer to the workflow.
 * @returns what lets it work again.
 */
const refuseToCarryOut = () =>
  cloud.intercept(async (call, forward) => {
    if (call.functionName !== cloud.function('carry-out-transfers').name || call.service !== 'dynamodb')
      return forward();
    const body = Buffer.from(JSON.stringify({ __type: 'AccessDeniedException', message: 'not now' }));
    return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
  });

describe.each([
  ['carry-out-transfers', 1],
  ['carry-out-transfers', 2],
  ['credit-transfer', 1],
  ['settle-transfer', 1],
  ['project-views', 1],
  ['project-views', 2],
  ['project-views', 3],
] as const)('when %s is killed around its write number %i', (name, nth) => {
  it.each(['before', 'after'] as const)('%s it is done, the transfer ends, once', async (when) => {
    const carryOut = /^(credit|settle)-/.test(name) ? refuseToCarryOut() : undefined;
    onTestFinished(() => carryOut?.());
    const { from, to } = await twoAccounts();
    const kill = killAroundWrite(cloud, name, nth, when);
    const { status, body } = await cloud.api.post('/transfers', { from, to, amount: 60 });
    expect(status).toBe(202);
    const ended = await cloud.api.ended(String(body['transferId']));
    kill.disarm();
    expect(kill.done()).toBe(true);
    expect(ended.body).toMatchObject({
      status: 'settled',
      steps: [{ step: 'reserved' }, { step: 'credited' }, { step: 'settled' }],
    });
    expect(await entriesOf(from)).toEqual({ balance: 40, reserved: 0 });
    expect(await entriesOf(to)).toEqual({ balance: 60, reserved: 0 });
  });
});

describe('when release-transfer is killed around its write', () => {
  it.each(['before', 'after'] as const)('%s it is done, the source is whole again, once', async (when) => {
    const { from } = await twoAccounts();
    const kill = killAroundWrite(cloud, 'release-transfer', 1, when);
    const { body } = await cloud.api.post('/transfers', { from, to: 'nobody', amount: 60 });
    const ended = await cloud.api.ended(String(body['transferId']));
    kill.disarm();
    expect(kill.done()).toBe(true);
    expect(ended.body).toMatchObject({ status: 'released', reason: 'account_not_found' });
    expect(await entriesOf(from)).toEqual({ balance: 100, reserved: 0 });
  });
});

describe('when request-transfer is killed around its write', () => {
  it.each(['before', 'after'] as const)(
    '%s it is done, the same request again makes one transfer of it',
    async (when) => {
      const { from, to } = await twoAccounts();
      const kill = killAroundWrite(cloud, 'request-transfer', 1, when);
      const request = () =>
        cloud.api.post('/transfers', { from, to, amount: 60 }, { 'Idempotency-Key': `killed-${when}` });
      expect(await request()).toMatchObject({ status: 500 });
      kill.disarm();
      const again = await request();
      expect(again).toMatchObject({ status: 202 });
      expect(again.headers.get('idempotency-replayed')).toBe(when === 'after' ? 'true' : null);
      await cloud.api.ended(String(again.body['transferId']));
      expect(await entriesOf(from)).toEqual({ balance: 40, reserved: 0 });
      expect(await entriesOf(to)).toEqual({ balance: 60, reserved: 0 });
    },
  );
});

describe('a transfer whose workflow never started', () => {
  const TWO_MINUTES = 120_000;
  const tables = { events: 'holdfast-dev-events', commands: 'holdfast-dev-commands', views: 'holdfast-dev-views' };
  const recover = (event: object) => cloud.function('recover-transfers').invoke(event);
  let disarm: () => void;

  beforeAll(() => {
    // Cannot do it itself; says that it started the workflow, and did not.
    const refused = refuseToCarryOut();
    const unheard = cloud.intercept(async (call, forward) => {
      if (call.functionName !== cloud.function('carry-out-transfers').name || call.service !== 'states')
        return forward();
      const body = Buffer.from(JSON.stringify({ executionArn: 'arn:aws:states:nowhere', startDate: 0 }));
      return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
    });
    disarm = () => {
      refused();
      unheard();
    };
  });

  afterAll(() => disarm());

  /** A reservation of two minutes ago: the store's clock is late. */
  const reserveLate = async (transferId: string) => {
    const { from, to } = await twoAccounts();
    const late = createMeteredStore(
      { config: cloud.dynamodb, tables },
      { clock: () => Date.now() - TWO_MINUTES },
    ).store;
    const source = `old-${from}`;
    await late.execute(requests.open(source));
    await late.execute(requests.deposit(source, 100));
    await late.execute(requests.reserve(source, to, 60, transferId));
    await vi.waitFor(
      async () => expect(await cloud.api.get(`/transfers/${transferId}`)).toMatchObject({ status: 200 }),
      {
        timeout: 10_000,
      },
    );
    return { from: source, to };
  };

  it.each([
    ['the views', {}],
    ['the streams', { from: 'streams' }],
  ])('is found in %s, started again and settled', async (where, event) => {
    const transferId = `lost-in-${where.replace(' ', '-')}`;
    const { from, to } = await reserveLate(transferId);
    expect(await recover(event)).toMatchObject({ ok: true });
    expect((await cloud.api.ended(transferId)).body['status']).toBe('settled');
    expect(await entriesOf(from)).toEqual({ balance: 40, reserved: 0 });
    expect(await entriesOf(to)).toEqual({ balance: 60, reserved: 0 });
  });
});
