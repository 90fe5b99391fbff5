import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../../infra/bundle.ts';
import { entryOf } from '../../../infra/constructs/catalogue.ts';
import { eventOf } from '../http/request.ts';

// Nothing is installed there: what a bundle does not bring, it does not find.
const outdir = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
afterAll(() => rmSync(outdir, { recursive: true }));

const names = ['get-command', 'recover-transfers'] as const;
type Name = (typeof names)[number] | 'docs';
/** As it is bundled for instances. */
const onInstances = 'on-instances/get-command';
beforeAll(async () => {
  await bundle(Object.fromEntries(names.map((name) => [name, entryOf(name)])), outdir);
  await bundle({ [onInstances]: entryOf('get-command') }, outdir, true);
});

/** Has a process of its own load a bundle and do something with its handler. */
const withHandler = async (
  name: Name | typeof onInstances,
  script: string,
  variables: Record<string, string>,
) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', `import { handler } from './index.mjs'; ${script}`],
    {
      cwd: join(outdir, name),
      env: {
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_DISABLED: 'true',
        AWS_REGION: 'eu-central-1',
        ...variables,
      },
    },
  );
  return stdout;
};

const tables = {
  EVENTS_TABLE: 'events',
  COMMANDS_TABLE: 'commands',
  QUEUE_TABLE: 'queue',
  CALLERS: 'open',
  VIEWS_TABLE: 'views',
};

describe('a bundle', () => {
  it('is written again only where it changes, for another process may be reading it', async () => {
    const files = [
      join(outdir, 'get-command', 'index.mjs'),
      join(outdir, 'recover-transfers', 'index.mjs'),
    ] as const;
    const [same, other] = files.map((file) => statSync(file).ino);
    const before = readFileSync(files[1]);
    writeFileSync(files[1], 'what an older version left');
    await bundle(Object.fromEntries(names.map((name) => [name, entryOf(name)])), outdir);
    expect(statSync(files[0]).ino).toBe(same);
    expect(statSync(files[1]).ino).not.toBe(other);
    expect(readFileSync(files[1])).toEqual(before);
    expect(readdirSync(join(outdir, 'recover-transfers')).toSorted()).toEqual([
      'index.mjs',
      'index.mjs.map',
    ]);
  });

  it('is made anew where a file that it was made of has changed since', async () => {
    const entry = 'build/entry-of-a-test.ts';
    const bundled = async (code: string) => {
      writeFileSync(entry, code);
      await bundle({ changing: entry }, outdir);
      return readFileSync(join(outdir, 'changing', 'index.mjs'), 'utf8');
    };
    mkdirSync('build', { recursive: true });
    onTestFinished(() => rmSync(entry));
    expect(await bundled("console.log('first');")).toContain('first');
    expect(await bundled("console.log('second');")).toContain('second');
  });

  it('is not made again where nothing has changed since', async () => {
    const made = () => bundle({ docs: entryOf('docs') }, outdir);
    await made();
    const earlier = readdirSync(outdir).map((file) => join(outdir, file));
    const ofDocs = earlier.find(
      (file) => file.endsWith('.json') && readFileSync(file, 'utf8').includes('docs/index.mjs'),
    );
    if (ofDocs === undefined) throw new Error('nothing tells of what was bundled');
    const said = JSON.parse(readFileSync(ofDocs, 'utf8'));
    writeFileSync(ofDocs, JSON.stringify({ ...said, metafile: { inputs: {}, outputs: {} } }));
    expect(await made()).toEqual({ inputs: {}, outputs: {} });
    // A process that crashed has left half of it.
    writeFileSync(ofDocs, '{');
    expect(Object.keys((await made()).outputs)).toHaveLength(2);
  });

  it('is refused where an entry file does not exist, naming it', async () => {
    const entries = { health: 'functions/queries/health.ts', audit: 'functions/queries/audit.ts' };

    await expect(bundle(entries, outdir)).rejects.toThrow(
      'These functions have no entry file:\n  audit: functions/queries/audit.ts',
    );
  });

  it('of docs brings its page, and loads', async () => {
    await bundle({ docs: entryOf('docs') }, outdir);
    const script = `const answer = await handler(${JSON.stringify(eventOf({ route: '/docs' }))}, { getRemainingTimeInMillis: () => 1_000 });
      console.log(answer.statusCode, answer.headers['Content-Type']);`;

    expect(await withHandler('docs', script, {})).toBe('200 text/html; charset=utf-8\n');
  });

  it.each(names)('of %s loads with nothing installed beside it, the SDK neither', async (name) => {
    const variables = { ...tables, TRANSFER_WORKFLOW_ARN: 'arn' };

    expect(await withHandler(name, 'console.log(typeof handler)', variables)).toBe('function\n');
  });

  it('asks DynamoDB with the credentials that Lambda puts in the environment, and needs nothing else for that', async () => {
    const { printed, signatures } = await askForCommand(
      'console.log(answer.statusCode, JSON.parse(answer.body).code);',
    );

    expect(printed).toBe('404 command_not_found\n');
    expect(signatures).toEqual([expect.stringContaining('Credential=of-the-role/')]);
  });

  it('for instances gets its credentials of where containers do, once there are none in the environment', async () => {
    const credentials = createServer((_, response) => {
      const [AccessKeyId, Expiration] = ['of-the-container', '2100-01-01T00:00:00Z'];
      const secrets = { SecretAccessKey: 'secret', Token: 'token' };
      response.end(JSON.stringify({ AccessKeyId, ...secrets, Expiration }));
    });
    await new Promise<void>((listening) => credentials.listen(0, '127.0.0.1', listening));
    const { printed, signatures } = await askForCommand(
      'console.log(answer.statusCode);',
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${portOf(credentials.address())}/` },
      onInstances,
    ).finally(() => credentials.close());

    expect(printed).toBe('404\n');
    expect(signatures).toEqual([expect.stringContaining('Credential=of-the-container/')]);
  });

  it('loads nothing of Node.js that it does not use: importing node:http would load a second HTTP client', async () => {
    const { printed } = await askForCommand(
      "const { moduleLoadList } = process; console.log(['http', 'undici'].map((part) => moduleLoadList.some((id) => id.endsWith(part))));",
    );

    expect(printed).toBe('[ true, false ]\n');
  });

  it('maps back to its sources, without a copy of them', () => {
    const map = JSON.parse(readFileSync(join(outdir, 'get-command', 'index.mjs.map'), 'utf8'));

    expect(map.sources).toContainEqual(
      expect.stringMatching(/functions\/queries\/get-command\.ts$/),
    );
    expect(map).not.toHaveProperty('sourcesContent');
  });

  it('is small, since its size is what a cold start takes: both clients and all else in 370 KB', () => {
    expect(statSync(join(outdir, 'recover-transfers', 'index.mjs')).size).toBeLessThan(370_000);
  });
});

/**
 * Asks a DynamoDB that has nothing for a command, and then runs more script; `answer` is what the
 * handler answered.
 */
const askForCommand = async (
  script: string,
  credentials: Record<string, string> = {
    AWS_ACCESS_KEY_ID: 'of-the-role',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
  },
  name: 'get-command' | typeof onInstances = 'get-command',
) => {
  const signatures: (string | undefined)[] = [];
  const dynamodb = createServer((request, response) => {
    signatures.push(request.headers.authorization);
    response.end('{"ConsumedCapacity":{"TableName":"commands","CapacityUnits":0.5}}');
  });
  await new Promise<void>((listening) => dynamodb.listen(0, '127.0.0.1', listening));
  const event = eventOf({ path: { accountId: 'a1', commandId: 'c1' } });
  const invoke = `const answer = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 10_000 });`;

  const printed = await withHandler(name, `${invoke} ${script}`, {
    ...tables,
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${portOf(dynamodb.address())}`,
    ...credentials,
  }).finally(() => dynamodb.close());
  return { printed, signatures };
};

const portOf = (address: AddressInfo | string | null): number => {
  if (typeof address !== 'object' || address === null)
    throw new Error('the server does not listen');
  return address.port;
};
