import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import { expect, vi } from 'vitest';
import { AccountId, Caller } from '../../../events/values.ts';
import { Command } from '../../../functions/ledger/account.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { takerOfReservations } from '../../../infra/constructs/transfer-ways.ts';
import type { StageSettings } from '../../../infra/stages.ts';
import type { Interceptor } from '../../../local-cloud/endpoint.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import type { TestCloud } from '../../setup/cloud.ts';
import { eventually } from '../../setup/eventually.ts';
import { leavePending } from '../../setup/leave-pending.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';

const tables = {
  events: 'holdfast-dev-events',
  commands: 'holdfast-dev-commands',
  queue: 'holdfast-dev-queue',
  views: 'holdfast-dev-views',
};

/**
 * Has every function of a stage do all that it may, faults included: what a role allows and nothing
 * here asks for has no use that anybody has shown.
 * @param cloud started with fake intervals, whose schedules the test drives.
 */
export const useEverything = async (
  cloud: TestCloud,
  { transfers, compute }: Pick<StageSettings, 'transfers' | 'compute'>,
): Promise<void> => {
  const { api } = cloud;
  const taker = takerOfReservations(transfers);
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
  const storeAt = (ageMs = 0) =>
    createMeteredStore({ config: cloud.dynamodb, tables }, { clock: () => Date.now() - ageMs })
      .store;
  const operator = storeAt();
  const newId = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;
  const account = async (name: string, balance = 0) => {
    const id = newId(name);
    await api.account(id, balance);
    return id;
  };

  /** Lets a function lose its races for some accounts until it queues. */
  const outrace = (name: string, accountIds: readonly string[], times = 2) => {
    const left = new Map(accountIds.map((id) => [id, times]));
    return cloud.intercept(async (call, forward) => {
      const writes = call.operation === 'PutItem' || call.operation === 'TransactWriteItems';
      const appends = writes && call.body.includes(tables.events);
      if (call.functionName === cloud.function(name).name && appends) {
        for (const [id, races] of left) {
          if (races === 0 || !call.body.includes(`"streamId":{"S":"${id}"}`)) continue;
          left.set(id, races - 1);
          await operator.execute(requests.deposit(id, 1));
        }
      }
      return forward();
    });
  };

  /** Answers the first request of a function that this is about in place of the service. */
  const answerOnce = (
    name: string,
    isMeant: (operation: string, body: Buffer) => boolean,
    answer: (body: Buffer) => object,
  ) => {
    let done = false;
    const interceptor: Interceptor = async (call, forward) => {
      const { name: functionName } = cloud.function(name);
      if (done || call.functionName !== functionName || !isMeant(call.operation, call.body))
        return forward();
      done = true;
      return {
        status: 400,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: Buffer.from(JSON.stringify(answer(call.body))),
      };
    };
    return cloud.intercept(interceptor);
  };
  const isWrite = (operation: string) =>
    operation === 'PutItem' || operation === 'TransactWriteItems';
  const invalid = () => ({ __type: 'ValidationException', message: 'a write that is refused' });

  /** Refuses the taker the tables, so that it leaves every transfer to the workflow. */
  const leaveToWorkflow = () =>
    cloud.intercept(async (call, forward) =>
      call.functionName === cloud.function(taker).name && call.service === 'dynamodb'
        ? {
            status: 400,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: Buffer.from(JSON.stringify({ __type: 'AccessDeniedException', message: 'no' })),
          }
        : forward(),
    );

  /** Makes a look take so long that others come meanwhile, which the next one asks together. */
  const slowly = () =>
    cloud.intercept(async (call, forward) => {
      if (call.operation === 'GetItem') await sleep(40);
      return forward();
    });

  const pathsWithoutTables = async () => {
    const fixed = cloud.template.api.routes
      .map(({ routeKey }) => routeKey)
      .filter((key) => key.startsWith('GET /') && !key.includes('{'));
    for (const key of [...fixed, 'GET /nowhere'])
      await (await fetch(`${cloud.url}${key.replace('GET ', '')}`)).text();
  };

  const opening = async () => {
    const stop = answerOnce('open-account', isWrite, invalid);
    const body = { accountId: newId('refused'), currency: 'EUR' };
    await api.post('/accounts', body, { 'Idempotency-Key': newId('key') });
    stop();
  };

  const movements = async () => {
    for (const [name, route] of [
      ['deposit', 'deposits'],
      ['withdraw', 'withdrawals'],
    ] as const) {
      const id = await account(name, 100);
      const stop = outrace(name, [id]);
      const key = { 'Idempotency-Key': newId('key') };
      expect((await api.post(`/accounts/${id}/${route}`, { amount: 1 }, key)).status).toBe(201);
      stop();
    }
  };

  const reading = async () => {
    const [from, to] = [await account('from', 100), await account('to')];
    const send = async (n: number) => {
      const transferId = `${from}-${n}`;
      const answer = await api.post('/transfers', { transferId, from, to, amount: 1 });
      expect(answer.status).toBe(202);
      await api.ended(transferId);
    };
    const listed = (count: number) =>
      eventually(async () => {
        const { body } = await api.get(`/accounts/${from}/transfers`);
        expect(body['transfers']).toHaveLength(count);
      });
    await send(1);
    await listed(1);
    await send(2);
    await listed(2);
    await api.get(`/accounts/${from}`);
    await api.get(`/accounts/${from}/entries`);
  };

  /** Waits in the queue until the hold that it is about has ended. */
  const tooLate = async () => {
    const [from, transferId, commandId] = [await account('late', 10), newId('held'), newId('late')];
    await api.post('/transfers', { transferId, from, to: 'nobody', amount: 1, hold: {} });
    await leavePending(client, tables.commands, {
      ...requests.withdraw(from, 1),
      command: Command.parse({ type: 'capture', accountId: from, transferId }),
      keys: [recordKey(commandId)],
      actor: Caller.parse('local'),
    });
    await api.post(`/transfers/${transferId}/void`, {});
    const { body } = await api.get(`/accounts/${from}/commands/${commandId}`);
    expect(body).toMatchObject({ status: 'rejected', rejection: { code: 'hold_voided' } });
  };

  const overdueCommand = async () => {
    const id = await account('overdue', 10);
    const commandId = newId('command');
    await leavePending(client, tables.commands, {
      ...requests.withdraw(id, 1),
      keys: [recordKey(commandId)],
      actor: Caller.parse('local'),
    });
    const stop = answerOnce('get-command', isWrite, invalid);
    await api.get(`/accounts/${id}/commands/${commandId}`);
    stop();
    const { body } = await api.get(`/accounts/${id}/commands/${commandId}`);
    expect(body['status']).toBe('accepted');
  };

  const pending = async () => {
    const id = await account('pending', 100);
    const stops = [outrace('withdraw', [id]), answerOnce('decide-pending', isWrite, invalid)];
    const key = { 'Idempotency-Key': newId('key') };
    expect((await api.post(`/accounts/${id}/withdrawals`, { amount: 1 }, key)).status).toBe(201);
    for (const stop of stops) stop();
  };

  const transfersThatQueue = async () => {
    const [from, to] = [await account('from', 100), await account('to')];
    const key = { 'Idempotency-Key': newId('key') };
    const body = { transferId: newId('transfer'), from, to, amount: 1 };
    const stops = [
      outrace('request-transfer', [from], 4),
      // What stands in the way of the pending command is not shown: both of its keys are read.
      answerOnce(
        'request-transfer',
        (operation, sent) => isWrite(operation) && sent.includes(tables.queue),
        (sent) => ({
          __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
          message: 'Transaction cancelled',
          CancellationReasons: itemsIn(sent).map((_, n) => ({
            Code: n === 0 ? 'ConditionalCheckFailed' : 'None',
          })),
        }),
      ),
    ];
    await eventually(async () =>
      expect((await api.post('/transfers', body, key)).status).toBe(202),
    );
    for (const stop of stops) stop();
    await api.ended(body.transferId);

    const other = await account('from', 100);
    const stop = outrace('request-transfer', [other], 6);
    const sent = { transferId: newId('transfer'), from: other, to, amount: 1 };
    await eventually(async () => expect((await api.post('/transfers', sent)).status).toBe(202));
    stop();
    await api.ended(sent.transferId);
  };

  const waitedFor = async () => {
    const from = await account('from', 100);
    const transferId = newId('waited');
    const body = { transferId, from, to: 'nobody', amount: 1 };
    const stop = leaveToWorkflow();
    expect((await api.post('/transfers', body, { Prefer: 'wait=10' })).status).toBe(202);
    expect((await api.ended(transferId)).body['status']).toBe('released');
    stop();
  };

  /** Reserved by hand, so that no setting takes it another way. */
  const reserved = async (from: string, to: string, ageMs = 0) => {
    const transferId = newId('transfer');
    await storeAt(ageMs).execute(requests.reserve(from, to, 1, transferId));
    return transferId;
  };

  /** Credits that the workflow has queued, and that the function behind the stream meets. */
  const carriedOut = async () => {
    const [from, to] = [await account('from', 100), await account('to')];
    const ids = Array.from({ length: 8 }, () => newId('transfer'));
    const slow = slowly();
    for (const id of ids)
      await leavePending(client, tables.commands, requests.credit(to, from, 1, id));
    // All in one commit, so that all come in one batch.
    await operator.executeTogether(
      AccountId.parse(from),
      ids.map((id) => requests.reserve(from, to, 1, id)),
    );
    for (const id of ids) expect((await api.ended(id)).body['status']).toBe('settled');
    slow();
  };

  const throughTheWorkflow = async () => {
    const [from, to] = [await account('from', 100), await account('to')];
    const stops = [
      leaveToWorkflow(),
      outrace('credit-transfer', [to]),
      outrace('settle-transfer', [from]),
    ];
    expect((await api.ended(await reserved(from, to))).body['status']).toBe('settled');
    stops.push(outrace('release-transfer', [from]));
    expect((await api.ended(await reserved(from, 'nobody'))).body['status']).toBe('released');
    for (const stop of stops) stop();
    for (const [step, to2] of [
      ['credit-transfer', await account('to')],
      ['settle-transfer', await account('to')],
      ['release-transfer', 'nobody'],
    ] as const) {
      const stopped = [leaveToWorkflow(), answerOnce(step, isWrite, invalid)];
      await api.ended(await reserved(from, to2));
      for (const stop of stopped) stop();
    }
  };

  const projected = async () => {
    // An environment that has not seen the reservation updates the row that is there.
    const stop = leaveToWorkflow();
    const [from, to] = [await account('from', 100), await account('to')];
    const hold = cloud.intercept(async (call, forward) => {
      if (call.functionName === cloud.function('credit-transfer').name && isWrite(call.operation))
        await cloud.function('project-views').kill();
      return forward();
    });
    const id = await reserved(from, to);
    await api.ended(id);
    hold();
    stop();
  };

  /** Has the taker believe that the workflow has every transfer, which nobody carries out. */
  const leaveToNobody = () =>
    cloud.intercept(async (call, forward) => {
      if (call.functionName !== cloud.function(taker).name) return forward();
      const states = { executionArn: 'arn:aws:states:nowhere', startDate: 0 };
      const refusal = { __type: 'AccessDeniedException', message: 'no' };
      const isStates = call.service === 'states';
      return {
        status: isStates ? 200 : 400,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: Buffer.from(JSON.stringify(isStates ? states : refusal)),
      };
    });

  const recovered = async () => {
    // The accounts are Alice's, who opens them here.
    const everybodys = await cloud.as('operator', 'ledger:operate');
    const stop = leaveToNobody();
    const to = await account('to');
    const late = storeAt(5 * 60_000);
    const find = async (event: object, count: number) => {
      // A stream's times do not go back, so each search has an account of its own.
      const from = newId('from');
      await late.execute(requests.open(from));
      await late.execute(requests.deposit(from, 100));
      const ids: string[] = [];
      for (let n = 0; n < count; n += 1) ids.push(await reserved(from, to, 3 * 60_000));
      await eventually(async () => {
        const { body } = await everybodys.get(`/accounts/${from}/transfers?status=reserved`);
        expect(body['transfers']).toHaveLength(count);
      });
      expect(await cloud.function('recover-transfers').invoke(event)).toMatchObject({ ok: true });
      for (const id of ids) expect((await everybodys.ended(id)).body['status']).toBe('settled');
      await eventually(async () => {
        const { body } = await everybodys.get(`/accounts/${from}/transfers?status=reserved`);
        expect(body['transfers']).toEqual([]);
      });
    };
    await find({}, 1);
    // More than the index has partitions: one of them has two.
    await find({}, 9);
    await find({ from: 'streams' }, 1);
    stop();
  };

  const rebuilt = async () => {
    const invoke = (event: object) => cloud.function('rebuild-views').invoke(event);
    const rows = async () =>
      (await client.send(new ScanCommand({ TableName: tables.views, ConsistentRead: true })))
        .Items ?? [];
    const transfersOnly = (await rows()).filter(({ pk }) => String(pk).startsWith('transfer#'));
    const [one, two, three] = transfersOnly.filter(
      ({ reserved, settled }) => reserved !== undefined && settled !== undefined,
    );
    const remove = ({ pk, sk }: Record<string, unknown>) =>
      client.send(new DeleteCommand({ TableName: tables.views, Key: { pk, sk } }));
    if (!one || !two || !three) throw new Error('there are transfers in the views');
    await remove(one);
    const put = (item: object) =>
      client.send(new PutCommand({ TableName: tables.views, Item: item }));
    await put({ ...two, amount: 999 });
    await put({ ...three, pk: 'transfer#never-was' });
    const accounts = [one, two, three].flatMap((row) => [String(row['from']), String(row['to'])]);
    for (const phase of ['rows', 'streams'])
      expect(await invoke({ phase, segment: 0, segments: 1 })).toMatchObject({ ok: true });
    await put({ ...two, amount: 998 });
    await remove(one);
    // The destination's stream knows the credit alone, and not where the transfer began.
    expect(await invoke({ accounts: [one['to']] })).toMatchObject({ ok: true });
    expect(await invoke({ accounts })).toMatchObject({ ok: true });

    // A row of one step is held to the one commit that it comes from.
    const stop = leaveToNobody();
    const from = await account('from', 10);
    await reserved(from, 'nobody');
    await eventually(async () => {
      const { body } = await api.get(`/accounts/${from}/transfers`);
      expect(body['transfers']).toHaveLength(1);
    });
    expect(await invoke({ accounts: [from] })).toMatchObject({ ok: true });
    stop();
  };

  /** What the projection cannot read, it passes over and logs. */
  const unreadable = async () => {
    const streamId = newId('unreadable');
    await client.send(
      new PutCommand({ TableName: tables.events, Item: { streamId, version: 1, schema: 'none' } }),
    );
    await eventually(() =>
      expect(cloud.access.used()).toContainEqual(
        expect.objectContaining({
          principal: expect.objectContaining({ session: cloud.function('project-views').name }),
          action: 'logs:PutLogEvents',
        }),
      ),
    );
  };

  /** In an environment that takes many requests, those that wait at the same time look together. */
  const waitingTogether = async () => {
    const batches = (name: string) =>
      cloud.access
        .used()
        .filter(({ principal, action }) => {
          const { name: functionName } = cloud.function(name);
          const isItsOwn = principal.kind === 'role' && principal.session === functionName;
          return isItsOwn && action === 'dynamodb:BatchGetItem';
        })
        .map(({ resource }) => resource.split('/').at(-1));
    const slow = slowly();
    const many = (once: (n: number) => Promise<unknown>) =>
      Promise.all(Array.from({ length: 12 }, (_, n) => once(n)));
    for (const [name, route] of [
      ['deposit', 'deposits'],
      ['withdraw', 'withdrawals'],
    ] as const) {
      await eventually(async () => {
        const ids: string[] = [];
        await many(async () => ids.push(await account(name, 10)));
        const stop = outrace(name, ids);
        await many((n) =>
          api.post(
            `/accounts/${ids[n]}/${route}`,
            { amount: 1 },
            { 'Idempotency-Key': newId('key') },
          ),
        );
        stop();
        expect(batches(name)).toContain(tables.commands);
      }, 30_000);
    }
    const from = await account('from', 1_000);
    await eventually(async () => {
      await many(() =>
        api.post('/transfers', { from, to: 'nobody', amount: 1 }, { Prefer: 'wait=10' }),
      );
      expect(batches('request-transfer')).toContain(tables.views);
    }, 30_000);
    slow();
  };

  /** A minute goes by. */
  const scheduled = async () => {
    vi.advanceTimersByTime(60_000);
    await eventually(() =>
      expect(cloud.access.used()).toContainEqual(
        expect.objectContaining({
          principal: expect.objectContaining({ name: 'events.amazonaws.com' }),
        }),
      ),
    );
  };

  /** A consumer that crashes every time: Lambda gives up, and says so to the queue. */
  const givenUp = async () => {
    const id = await account('poison', 100);
    const [queue] = cloud.queues.values();
    for (const name of ['project-views', taker, 'decide-pending']) {
      const target = cloud.function(name);
      const found = queue?.length ?? 0;
      const stop = cloud.intercept(async (call, forward) => {
        if (call.functionName !== target.name) return forward();
        await target.kill();
        throw new Error('it crashes');
      });
      const outraced = outrace('withdraw', [id]);
      const made = [
        reserved(id, 'nobody'),
        api.post(`/accounts/${id}/withdrawals`, { amount: 1 }, { 'Idempotency-Key': newId('key') }),
      ];
      await Promise.all(made);
      await eventually(() => expect(queue?.length ?? 0).toBeGreaterThan(found), 30_000);
      outraced();
      stop();
    }
  };

  const bank = async () => {
    const everybodys = await cloud.as('operator', 'ledger:operate');
    const opened = async (balance = 0) => {
      const id = newId('bank');
      await everybodys.account(id, balance);
      return id;
    };
    const key = () => ({ 'Idempotency-Key': newId('key') });
    type Asked = readonly [accountId: string, path: string, body: object];
    /** As it is; where others are faster, so that it queues; and refused, so that it asks. */
    const thrice = async (name: string, prepare: () => Promise<Asked>, queues = true) => {
      const [, path, body] = await prepare();
      expect((await everybodys.post(path, body, key())).status).toBeLessThan(300);
      if (queues) {
        const [accountId, other, sent] = await prepare();
        const stopRaces = outrace(name, [accountId]);
        await everybodys.post(other, sent, key());
        stopRaces();
      }
      const [, last, refused] = await prepare();
      const stop = answerOnce(name, isWrite, invalid);
      await everybodys.post(last, refused, key());
      stop();
    };
    const on = (balance: number, end: string, body: object) => async (): Promise<Asked> => {
      const id = await opened(balance);
      return [id, `/accounts/${id}/${end}`, body];
    };
    await thrice('freeze-account', on(0, 'freeze', { scope: 'all' }), false);
    const frozen = async (): Promise<Asked> => {
      const id = await opened();
      await everybodys.post(`/accounts/${id}/freeze`, { scope: 'all' });
      return [id, `/accounts/${id}/unfreeze`, {}];
    };
    await thrice('unfreeze-account', frozen, false);
    await thrice('close-account', on(0, 'close', {}), false);
    const held = (end: string) => async (): Promise<Asked> => {
      const [from, to, transferId] = [await opened(10), await opened(), newId('held')];
      await everybodys.post('/transfers', { transferId, from, to, amount: 1, hold: {} });
      return [from, `/transfers/${transferId}/${end}`, {}];
    };
    for (const end of ['capture', 'void'] as const) {
      await thrice(`${end}-transfer`, held(end));
      // Too late, which the views tell.
      const [, path] = await held('void')();
      await everybodys.post(path, {});
      const late = path.replace('void', end);
      expect((await everybodys.post(late, {})).status).toBe(422);
    }
    const paid = async (): Promise<Asked> => {
      const [from, to, transferId] = [await opened(10), await opened(), newId('paid')];
      await everybodys.post('/transfers', { transferId, from, to, amount: 1 });
      await everybodys.ended(transferId);
      return [to, `/transfers/${transferId}/reversal`, {}];
    };
    await thrice('reverse-transfer', paid);
    const legs = async (): Promise<Asked> => {
      const [one, two] = [await opened(10), await opened()];
      const amounts = [
        { accountId: one, amount: -1 },
        { accountId: two, amount: 1 },
      ];
      return [one, '/postings', { legs: amounts }];
    };
    await thrice('create-posting', legs, false);
    const [, path, body] = await legs();
    const postingId = newId('posting');
    await everybodys.post(path, { ...body, postingId });
    const own = await cloud.as('somebody', 'ledger:read');
    await own.get(`/postings/${postingId}`);
    const items = async (): Promise<Asked> => {
      const id = await opened();
      return [id, '/bulk', { items: [{ type: 'deposit', accountId: id, amount: 1, key: id }] }];
    };
    await thrice('bulk', items, false);
    const [, many, refusedItems] = await items();
    const stop = answerOnce('bulk', isWrite, invalid);
    await everybodys.post(many, refusedItems);
    stop();
    const [, reversal] = await paid();
    const reversed = reversal.replace('/reversal', '');
    const [source, destination, transferId] = [await opened(10), await opened(), newId('twice')];
    await everybodys.post('/transfers', { transferId, from: source, to: destination, amount: 2 });
    await everybodys.ended(transferId);
    for (const [at, times] of [
      [reversed, 1],
      [`/transfers/${transferId}`, 2],
    ] as const) {
      for (let n = 0; n < times; n += 1)
        expect((await everybodys.post(`${at}/reversal`, { amount: 1 })).status).toBe(202);
      await eventually(async () => {
        const { body: shown } = await everybodys.get(at);
        expect(shown['reversals']).toHaveLength(times);
      });
    }
    // Alone a row is looked at by itself; those of several partitions wait for the first, and are
    // then looked at together.
    for (const count of [1, 6]) {
      const between = [];
      for (let n = 0; n < count; n += 1)
        between.push({ from: await opened(10), to: await opened() });
      const expiresAt = Date.now() + 1_500;
      const hold = { expiresAt: new Date(expiresAt).toISOString() };
      const asked = await Promise.all(
        between.map((sides) => everybodys.post('/transfers', { ...sides, amount: 1, hold })),
      );
      expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 202));
      const expiring = asked.map(({ body: { transferId } }) => String(transferId));
      for (const { from } of between) {
        await eventually(async () => {
          const { body: list } = await everybodys.get(`/accounts/${from}/transfers?status=held`);
          expect(list['transfers']).toHaveLength(1);
        });
      }
      await eventually(() => expect(Date.now()).toBeGreaterThan(expiresAt));
      await eventually(async () => {
        await cloud.function('expire-holds').invoke({});
        for (const id of expiring)
          expect((await everybodys.get(`/transfers/${id}`)).body['status']).toBe('released');
      });
    }
    const described = await opened(1);
    await everybodys.patch(`/accounts/${described}`, { name: 'Household' });
    await everybodys.get('/accounts');
    await everybodys.get(`/accounts/${described}/statement`);
    await eventually(async () => {
      const { body: list } = await everybodys.get('/accounts?limit=1');
      expect(list['accounts']).toHaveLength(1);
    });
  };

  const scenarios = {
    bank,
    pathsWithoutTables,
    opening,
    movements,
    reading,
    tooLate,
    overdueCommand,
    pending,
    transfersThatQueue,
    waitedFor,
    carriedOut,
    throughTheWorkflow,
    projected,
    recovered,
    rebuilt,
    unreadable,
    ...(compute === 'instances' && { waitingTogether }),
    scheduled,
    givenUp,
  };
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      await scenario();
    } catch (error) {
      throw new Error(`the scenario ${name} failed`, { cause: error });
    }
  }
  client.destroy();
};

const itemsIn = (body: Buffer): readonly unknown[] => JSON.parse(body.toString()).TransactItems;
