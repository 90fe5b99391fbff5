import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { callersFromEnvironment } from '../../../functions/http/identity/from-environment.ts';
import { createDocumentClient } from '../../../functions/runtime/dynamodb.ts';
import { environmentVariable } from '../../../functions/runtime/environment.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { storeFromEnvironment } from '../../../functions/store/from-environment.ts';
import { emptyTail } from '../../../functions/store/stream/tail.ts';
import { transferWorkflowFromEnvironment } from '../../../functions/transfers/from-environment.ts';
import { viewsFromEnvironment } from '../../../functions/views/from-environment.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { deposited, opened } from '../ledger/facts.ts';
import { transfer } from '../transfers/transfer.ts';

// What the Lambdas are really made of: the SDK's own clients and the variables that the template
// sets.

const VARIABLES = [
  'EVENTS_TABLE',
  'COMMANDS_TABLE',
  'QUEUE_TABLE',
  'VIEWS_TABLE',
  'TRANSFER_WORKFLOW_ARN',
];

beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, `the-${name}`);
  vi.stubEnv('CALLERS', 'token');
  vi.stubEnv('SCOPES', '{"holdfast/ledger.read":"ledger:read"}');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});
afterEach(() => vi.unstubAllEnvs());

/** What every service answers: the status and the body, by the request. */
type Answers = (
  operation: string,
  input: object,
) => { readonly status?: number; readonly body: object };

/** An address that stands for AWS; with what it was asked. */
const serviceThat = async (answers: Answers) => {
  const asked: { readonly operation: string; readonly input: object; readonly attempt: unknown }[] =
    [];
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const input: object = JSON.parse(await text(request));
    asked.push({ operation, input, attempt: request.headers['amz-sdk-request'] });
    const { status = 200, body } = answers(operation, input);
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const isBound = (bound: typeof address): bound is AddressInfo =>
    typeof bound === 'object' && bound !== null;
  if (!isBound(address)) throw new Error('the server has a port');
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${address.port}`);
  return asked;
};

const empty: Answers = () => ({ body: { ConsumedCapacity: {}, Items: [] } });
const broken: Answers = () => ({ status: 500, body: { __type: 'InternalServerError' } });
const a = AccountId.parse('a');

describe('a variable that the template must have set', () => {
  it('is read', () => expect(environmentVariable('EVENTS_TABLE')).toBe('the-EVENTS_TABLE'));
  it.each([undefined, ''])('is refused by its name where it is %o', (value) => {
    vi.stubEnv('EVENTS_TABLE', value);
    expect(() => environmentVariable('EVENTS_TABLE')).toThrow(
      'the environment variable EVENTS_TABLE is not set',
    );
  });
  it.each<[string, () => unknown]>([
    ['EVENTS_TABLE', storeFromEnvironment],
    ['COMMANDS_TABLE', storeFromEnvironment],
    ['QUEUE_TABLE', storeFromEnvironment],
    ['CALLERS', callersFromEnvironment],
    ['SCOPES', callersFromEnvironment],
    ['VIEWS_TABLE', viewsFromEnvironment],
    ['TRANSFER_WORKFLOW_ARN', transferWorkflowFromEnvironment],
  ])('%s is missed when the environment is made, not at the first request', (name, make) => {
    expect(make).not.toThrow();
    vi.stubEnv(name, undefined);
    expect(make).toThrow(name);
  });
});

describe('how callers are told apart', () => {
  it('is by token, with our scopes by the provider’s names', () => {
    expect(callersFromEnvironment()).toEqual({
      by: 'token',
      scopes: new Map([['holdfast/ledger.read', 'ledger:read']]),
    });
  });

  it('is not at all only where the template says so', () => {
    vi.stubEnv('CALLERS', 'open');
    expect(callersFromEnvironment()).toEqual({ by: 'nothing' });
    vi.stubEnv('CALLERS', 'opened');
    expect(callersFromEnvironment).toThrow('CALLERS is "opened"; it can be token or open');
  });

  it.each(['{', '[]', '{"a":"ledger:everything"}', '"ledger:read"'])(
    'is refused where SCOPES is %s',
    (scopes) => {
      vi.stubEnv('SCOPES', scopes);
      expect(callersFromEnvironment).toThrow('SCOPES is no JSON object whose values');
    },
  );
});

describe('the client of DynamoDB', () => {
  const put = (attempts: number) =>
    createDocumentClient({ attempts }).send(
      new PutCommand({
        TableName: 't',
        Item: { key: 'k', note: undefined, list: [{ a: 1, note: undefined }] },
      }),
    );

  it('leaves out what is undefined, at any depth', async () => {
    const asked = await serviceThat(empty);
    await put(1);
    expect(asked).toMatchObject([
      {
        operation: 'PutItem',
        input: { Item: { key: { S: 'k' }, list: { L: [{ M: { a: { N: '1' } } }] } } },
      },
    ]);
    expect(JSON.stringify(asked)).not.toContain('note');
  });
  it.each([1, 2])('sends a request as often as it is told: %i', async (attempts) => {
    const asked = await serviceThat(broken);
    await expect(put(attempts)).rejects.toMatchObject({ name: 'InternalServerError' });
    expect(asked).toHaveLength(attempts);
  });
});

describe('the store of an environment', () => {
  it('reads the stream and the records from the tables it is told, strongly consistent', async () => {
    const asked = await serviceThat(empty);
    const store = storeFromEnvironment();
    expect(await store.load(a)).toMatchObject({ version: 0 });
    expect(await store.recordOf('command:k')).toBeUndefined();
    const how = { ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' };
    const get = { operation: 'GetItem', input: { TableName: 'the-COMMANDS_TABLE', ...how } };
    expect(asked).toMatchObject([
      { operation: 'Query', input: { TableName: 'the-EVENTS_TABLE', ...how } },
      get,
    ]);
  });
  it('writes there, too, each command under an id of its own', async () => {
    const asked = await serviceThat(empty);
    const store = storeFromEnvironment();
    const open = () => store.execute(requests.open('a'));
    expect([await open(), await open()]).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'accepted' },
    ]);
    const puts = asked.filter(({ operation }) => operation === 'PutItem');
    expect(puts).toMatchObject([
      { input: { TableName: 'the-EVENTS_TABLE', Item: { streamId: { S: 'a' } } } },
      { input: { TableName: 'the-EVENTS_TABLE', Item: { streamId: { S: 'a' } } } },
    ]);
    expect(new Set(puts.map(({ input }) => JSON.stringify(input))).size).toBe(2);
  });
  it('tries again by itself, after a wait, and gives up in the time it is given', async () => {
    let requested = 0;
    const asked = await serviceThat((...request) =>
      (requested++ % 2 === 0 ? broken : empty)(...request),
    );
    expect(await storeFromEnvironment({ budget: 1_000 }).load(a)).toMatchObject({ version: 0 });
    expect(asked.map(({ operation }) => operation)).toEqual(['Query', 'Query']);
    // It is the store that decides about sending again, not the SDK.
    expect(new Set(asked.map(({ attempt }) => attempt))).toEqual(new Set(['attempt=1; max=1']));
    const unasked = await serviceThat(broken);
    await expect(storeFromEnvironment({ budget: 0 }).load(a)).rejects.toSatisfy(isStoreUnavailable);
    expect(unasked).toEqual([]);
  });
});

describe('a hot account', () => {
  /**
   * The store's first write for a command on an account that two commands met on just now: to which
   * tables.
   */
  const written = async () => {
    const events = [opened()];
    const two = [
      { commandId: 'c1', events },
      { commandId: 'c2', events: [deposited(1)] },
    ];
    const met = plantedCommit(emptyTail(a), 'w', two, Date.now());
    const Items = met === 'too_large' ? [] : [marshall(met.item)];
    const asked = await serviceThat((operation) => ({
      body: { ConsumedCapacity: {}, ...(operation === 'Query' ? { Items } : {}) },
    }));
    await storeFromEnvironment({ budget: 50 }).execute(requests.deposit('a', 5, { key: 'k' }));
    return JSON.stringify(asked[1])
      .match(/the-\w+_TABLE/g)
      ?.sort();
  };

  it('is queued for', async () => {
    expect(await written()).toEqual(['the-COMMANDS_TABLE', 'the-QUEUE_TABLE']);
  });
});

it('the workflow of an environment is the state machine it is told', async () => {
  const asked = await serviceThat(() => ({
    body: { executionArn: 'e', startDate: Date.now() / 1_000 },
  }));
  expect(await transferWorkflowFromEnvironment().start('t1', transfer)).toBe('started');
  expect(asked).toMatchObject([
    {
      operation: 'StartExecution',
      input: { stateMachineArn: 'the-TRANSFER_WORKFLOW_ARN', name: 't1' },
    },
  ]);
});
