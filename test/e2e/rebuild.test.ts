import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCloud, type TestCloud } from '../setup/cloud.ts';
import { eventually } from '../setup/eventually.ts';

const TableName = 'holdfast-dev-views';

let cloud: TestCloud;
let client: DynamoDBDocumentClient;
let directory: string;

beforeAll(async () => {
  cloud = await startTestCloud();
  client = DynamoDBDocumentClient.from(new DynamoDBClient(cloud.dynamodb));
  directory = await mkdtemp(join(tmpdir(), 'holdfast-rebuild-'));
});

afterAll(async () => {
  client.destroy();
  await cloud.stop();
  await rm(directory, { recursive: true });
});

/** Runs the command as a user does. */
const rebuild = async (...more: string[]): Promise<{ status: number | null; said: string }> => {
  const script = join(import.meta.dirname, '../../rebuild/main.ts');
  const state = join(directory, 'state.json');
  const child = spawn(process.execPath, [script, '--url', cloud.url, '--state', state, ...more]);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, said };
};

const rows = async () => {
  const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Items;
};

const throwAway = async () => {
  for (const { pk, sk } of await rows())
    await client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
};

describe('npm run rebuild', () => {
  it('makes views that were thrown away while transfers go on, and then finds no difference', async () => {
    for (const id of ['a', 'b']) await cloud.api.account(id, 1_000);
    const send = (n: number) =>
      cloud.api.post('/transfers', { transferId: `t${n}`, from: 'a', to: 'b', amount: 1 });
    for (let n = 0; n < 20; n += 1) await send(n);
    for (let n = 0; n < 20; n += 1) await cloud.api.ended(`t${n}`);
    await throwAway();
    const during = Promise.all(Array.from({ length: 20 }, (_, n) => send(20 + n)));
    const made = await rebuild('--segments', '2');
    expect(made.said).toContain('Made again: ');
    expect(made.status).toBe(0);
    await during;
    for (let n = 0; n < 40; n += 1)
      expect((await cloud.api.ended(`t${n}`)).body).toMatchObject({ status: 'settled' });
    await eventually(async () => {
      const compared = await rebuild('--diff');
      expect(compared.said).toContain('0 missing, 0 different, 0 extra');
      expect(compared.status).toBe(0);
    });
    const { body } = await cloud.api.get('/accounts/b/transfers?limit=100');
    expect(body['transfers']).toHaveLength(40);
  });

  it('says what differs, with exit status 1, and changes nothing by that', async () => {
    await client.send(new DeleteCommand({ TableName, Key: { pk: 'transfer#t7', sk: 'from#a' } }));
    const before = await rows();
    const { said, status } = await rebuild('--diff');
    expect(said).toContain('missing: transfer#t7 from#a');
    // On the long way both accounts' streams have steps of it.
    expect(said).toMatch(/ [12] missing, 0 different, 0 extra/);
    expect(status).toBe(1);
    expect(await rows()).toEqual(before);
    expect(await rebuild('--accounts', 'a,b')).toMatchObject({ status: 0 });
    expect(await rebuild('--diff', '--accounts', 'a,b')).toMatchObject({ status: 0 });
  });

  it.each([
    [['--segments', 'many'], '--segments takes a number'],
    [['--stage', 'dev'], '--url and --stage are two places'],
  ])('refuses %j, with exit status 2', async (more, message) => {
    const { said, status } = await rebuild(...more);
    expect(said).toContain(message);
    expect(status).toBe(2);
  });
});
