import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { takerOfReservations } from '../../infra/constructs/transfer-ways.ts';
import { requests } from '../../testing/ledger-requests.ts';
import { killAroundWrite, startTestCloud, type TestCloud } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';
import { createMeteredStore } from '../setup/metered-store.ts';

let cloud: TestCloud;
/** The function that the stream hands reservations to. */
const taker = takerOfReservations(inject('longTransfers'));

// The long way has the steps that may be interrupted: ways.test.ts kills who goes the short one.
beforeAll(async () => {
  cloud = await startTestCloud(inject('longAssembly'));
});

afterAll(() => cloud.stop());

/** What a test moves money between: ids that stand in no other test's writes. */
const newIds = () => {
  const ids = randomUUID().slice(0, 8);
  return { from: `from-${ids}`, to: `to-${ids}`, transferId: `transfer-${ids}` };
};

/** Two new accounts, the first with 100, and an id for a transfer. */
const twoAccounts = async () => {
  const ids = newIds();
  await cloud.api.account(ids.from, 100);
  await cloud.api.account(ids.to);
  return ids;
};

const projected = (accountId: string, version: number) =>
  eventually(async () => {
    const { body } = await cloud.api.get(`/accounts/${accountId}/transfers`);
    expect(body['asOfVersion']).toBe(version);
  });

const balanceOf = async (accountId: string) => {
  const operator = await cloud.as('operator', 'ledger:operate');
  const { body } = await operator.get(`/accounts/${accountId}`);
  return { balance: body['balance'], reserved: body['reserved'] };
};

/**
 * Refuses the taker of reservations the tables, so that it leaves every transfer to the workflow.
 * @returns what lets it work again.
 */
const refuseToCarryOut = () =>
  cloud.intercept(async (call, forward) => {
    if (call.functionName !== cloud.function(taker).name || call.service !== 'dynamodb')
      return forward();
    const body = Buffer.from(
      JSON.stringify({ __type: 'AccessDeniedException', message: 'not now' }),
    );
    return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
  });

/**
 * A write of a transfer: which function's, and what stands in it beside what is said of it here.
 */
interface TransferWrite {
  readonly name: string;
  readonly write: string;
  readonly names: (ids: ReturnType<typeof newIds>) => readonly string[];
}

/** carry-out-transfers, where there is one: the other taker of reservations writes to no table. */
const carriers = taker === 'carry-out-transfers' ? [taker] : [];

const transferWrites: readonly TransferWrite[] = [
  ...[...carriers, 'credit-transfer'].map((name) => ({
    name,
    write: 'credit',
    names: ({ transferId }: { transferId: string }) => [transferId, 'MoneyDeposited'],
  })),
  ...[...carriers, 'settle-transfer'].map((name) => ({
    name,
    write: 'settlement',
    names: ({ transferId }: { transferId: string }) => [transferId, 'MoneyWithdrawn'],
  })),
  {
    name: 'project-views',
    write: 'opening of the row',
    names: ({ transferId }) => [transferId, 'openSince'],
  },
  {
    name: 'project-views',
    write: 'pointer under the destination',
    names: ({ to, transferId }) => [`account#${to}`, transferId],
  },
  {
    name: 'project-views',
    write: 'end of the row',
    names: ({ transferId }) => [`transfer#${transferId}`, 'settled'],
  },
];

/**
 * Whether the write needs the workflow: its functions' do, and it gives the projection the time to
 * see a transfer that has not ended. What is carried out at once may be projected whole.
 */
const isWorkflows = (name: string, write: string): boolean =>
  name === 'credit-transfer' || name === 'settle-transfer' || write === 'opening of the row';

describe.each(transferWrites)(
  "when $name is killed around a transfer's $write",
  ({ name, write, names }) => {
    it.each(['before', 'after'] as const)(
      '%s it is done, the transfer ends, once',
      async (when) => {
        if (isWorkflows(name, write)) onTestFinished(refuseToCarryOut());
        const ids = await twoAccounts();
        const { from, to, transferId } = ids;
        const kill = killAroundWrite(cloud, name, names(ids), when);
        onTestFinished(kill.disarm);
        expect(
          await cloud.api.post('/transfers', { transferId, from, to, amount: 60 }),
        ).toMatchObject({ status: 202 });
        const ended = await cloud.api.ended(transferId);
        await eventually(() => expect(kill.done()).toBe(true));
        expect(ended.body).toMatchObject({
          status: 'settled',
          steps: [{ step: 'reserved' }, { step: 'credited' }, { step: 'settled' }],
        });
        expect(await balanceOf(from)).toEqual({ balance: 40, reserved: 0 });
        expect(await balanceOf(to)).toEqual({ balance: 60, reserved: 0 });
        // Opened, paid into, reserved, ended, withdrawn: each once.
        await projected(from, 5);
        await projected(to, 2);
      },
    );
  },
);

describe(`when ${taker} is killed around its start of a transfer's execution`, () => {
  it.each(['before', 'after'] as const)(
    '%s it is done, the transfer ends, once, and it is started once',
    async (when) => {
      onTestFinished(refuseToCarryOut());
      const { from, to, transferId } = await twoAccounts();
      const kill = killAroundWrite(cloud, taker, [transferId, 'stateMachineArn'], when);
      onTestFinished(kill.disarm);
      await cloud.api.post('/transfers', { transferId, from, to, amount: 60 });
      expect((await cloud.api.ended(transferId)).body['status']).toBe('settled');
      expect(kill.done()).toBe(true);
      expect(await balanceOf(from)).toEqual({ balance: 40, reserved: 0 });
      expect(await balanceOf(to)).toEqual({ balance: 60, reserved: 0 });
      expect((await cloud.api.get(`/_local/executions/${transferId}`)).body).toMatchObject({
        name: transferId,
        status: 'SUCCEEDED',
      });
    },
  );
});

describe('when release-transfer is killed around its write', () => {
  it.each(['before', 'after'] as const)(
    '%s it is done, the source is whole again, once',
    async (when) => {
      const { from, transferId } = await twoAccounts();
      const kill = killAroundWrite(
        cloud,
        'release-transfer',
        [transferId, 'ReservationCancelled'],
        when,
      );
      onTestFinished(kill.disarm);
      await cloud.api.post('/transfers', { transferId, from, to: 'nobody', amount: 60 });
      const ended = await cloud.api.ended(transferId);
      expect(kill.done()).toBe(true);
      expect(ended.body).toMatchObject({ status: 'released', reason: 'account_not_found' });
      expect(await balanceOf(from)).toEqual({ balance: 100, reserved: 0 });
      await projected(from, 4);
    },
  );
});

describe('when request-transfer is killed around its write', () => {
  it.each(['before', 'after'] as const)(
    '%s it is done, the same request again makes one transfer of it',
    async (when) => {
      const { from, to } = await twoAccounts();
      const kill = killAroundWrite(cloud, 'request-transfer', [from, 'MoneyReserved'], when);
      onTestFinished(kill.disarm);
      const request = () =>
        cloud.api.post(
          '/transfers',
          { from, to, amount: 60 },
          { 'Idempotency-Key': `killed-${when}` },
        );
      expect(await request()).toMatchObject({ status: 500 });
      expect(kill.done()).toBe(true);
      const again = await request();
      expect(again).toMatchObject({ status: 202 });
      expect(again.headers.get('idempotency-replayed')).toBe(when === 'after' ? 'true' : null);
      await cloud.api.ended(String(again.body['transferId']));
      expect(await balanceOf(from)).toEqual({ balance: 40, reserved: 0 });
      expect(await balanceOf(to)).toEqual({ balance: 60, reserved: 0 });
    },
  );
});

describe('a transfer whose workflow never started', () => {
  const TWO_MINUTES = 120_000;
  const tables = {
    events: 'holdfast-dev-events',
    commands: 'holdfast-dev-commands',
    queue: 'holdfast-dev-queue',
    views: 'holdfast-dev-views',
  };
  const recover = (event: object) => cloud.function('recover-transfers').invoke(event);
  let disarm: () => void;

  beforeAll(() => {
    // Cannot do it itself; says that it started the workflow, and did not.
    const refused = refuseToCarryOut();
    const unheard = cloud.intercept(async (call, forward) => {
      if (call.functionName !== cloud.function(taker).name || call.service !== 'states')
        return forward();
      const body = Buffer.from(
        JSON.stringify({ executionArn: 'arn:aws:states:nowhere', startDate: 0 }),
      );
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
    // The transfer itself is known from its record before the views have it.
    // The account is Alice's, who opened it here.
    const operator = await cloud.as('operator', 'ledger:operate');
    await eventually(async () =>
      expect((await operator.get(`/accounts/${source}/transfers`)).body).toMatchObject({
        transfers: [{ transferId }],
      }),
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
    const operator = await cloud.as('operator', 'ledger:operate');
    expect((await operator.ended(transferId)).body['status']).toBe('settled');
    expect(await balanceOf(from)).toEqual({ balance: 40, reserved: 0 });
    expect(await balanceOf(to)).toEqual({ balance: 60, reserved: 0 });
  });
});
