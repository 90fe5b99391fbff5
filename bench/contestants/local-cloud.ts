import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type LocalCloud, startLocalCloud } from '../../infra/local/cloud.ts';
import { type Audited, auditLedger } from '../audit/ledger.ts';
import type { Engine } from '../engine.ts';
import { type Bank, UNFINISHED } from '../load/drive.ts';
import type { Transfer } from '../load/ledger-requests.ts';
import { plantAccounts } from '../load/plant.ts';
import { OPENING_BALANCE } from '../load/workload.ts';
import { createMeter, meteredClient, type Usage } from '../metering.ts';
import { type Assemblies, synthesizeBoth } from './assembly.ts';
import type { Contestant } from './contestant.ts';

/** The whole local cloud over HTTP, as `npm start` runs it. */
export const cloudOverHttp = (): Contestant => cloudContestant('whole cloud, over HTTP', 'queueing');

/** The same with queueing off. */
export const racingCloudOverHttp = (): Contestant => cloudContestant('whole cloud, over HTTP, queueing off', 'racing');

const cloudContestant = (name: string, mode: keyof Assemblies): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const running = await startCloud(engine, mode);
    const accounts = workloads.flatMap((workload) => workload.accounts);
    await plantAccounts(running.direct, running.tables.events, accounts, OPENING_BALANCE);
    return {
      transfer: running.bank.transfer,
      usage: running.usage,
      audit: (heard) => running.audit(accounts, heard),
      close: running.close,
    };
  },
});

/** A local cloud, and what is needed to measure it. */
export interface RunningCloud {
  readonly cloud: LocalCloud;
  readonly tables: { readonly events: string; readonly commands: string; readonly views: string };
  /** A client past the gateway, which nobody counts. */
  readonly direct: DynamoDBDocumentClient;
  /** Makes transfers over HTTP. */
  readonly bank: Bank;
  /** Makes a deposit over HTTP. @throws where it was not accepted. */
  deposit(accountId: string, amount: number): Promise<void>;
  /** What the functions have asked of DynamoDB since the last call of this: requests alone. */
  usage(): Usage;
  /** Waits until nothing happens any more, and checks from the tables that nothing was lost. */
  audit(accounts: readonly string[], heard: ReadonlyMap<string, string>): Promise<Audited>;
  close(): Promise<void>;
}

/** Starts a local cloud on an empty database of an engine. @param mode whether commands queue for hot accounts. */
export const startCloud = async (engine: Engine, mode: keyof Assemblies): Promise<RunningCloud> => {
  const assemblies = await synthesizeBoth();
  const cloud = await startLocalCloud({
    assembly: assemblies[mode],
    port: 0,
    dynamodb: { endpoint: engine.endpoint, accessKeyId: randomBytes(10).toString('hex') },
    report: { step: () => {}, log: () => {}, warn: (line) => console.error(`${mode}: ${line}`) },
  });
  const tables = tablesOf(cloud);
  const direct = meteredClient({ config: cloud.dynamodb }, createMeter());
  const meter = createMeter();
  cloud.intercept((call, forward) => {
    // Units would take a look into every body, which would slow down what is measured.
    if (call.service === 'dynamodb') meter.add({ requests: 1, readUnits: Number.NaN, writeUnits: Number.NaN });
    return forward();
  });
  const client = createApiClient(cloud.url);
  const transfer = createCaller(client);
  return {
    cloud,
    tables,
    direct,
    bank: { transfer: (wanted, _, signal) => transfer(wanted, signal) },
    deposit: async (accountId, amount) => {
      const { status } = await client.send('POST', `/accounts/${accountId}/deposits`, { amount });
      if (status !== 201) throw new Error(`a deposit was answered ${status}`);
    },
    usage: meter.take,
    audit: async (accounts, heard) => {
      for (let [quiet, left] = [0, MOST_QUIET_CHECKS]; quiet < 3 && left > 0; left -= 1) {
        await setTimeout(500);
        quiet = meter.take().requests === 0 ? quiet + 1 : 0;
      }
      return auditLedger({ client: direct, tables, accounts: new Map(accounts.map((id) => [id, undefined])), heard });
    },
    close: async () => {
      client.close();
      direct.destroy();
      await cloud.stop();
    },
  };
};

/** Until nothing has asked for anything for 1.5 s, but no longer than a minute. */
const MOST_QUIET_CHECKS = 120;

const tablesOf = (cloud: LocalCloud): RunningCloud['tables'] => {
  const named = (ending: string): string => {
    const found = cloud.overview().dynamodb.tables.find((name) => name.endsWith(ending));
    if (found === undefined) throw new Error(`the cloud has no table of ${ending}`);
    return found;
  };
  return { events: named('-events'), commands: named('-commands'), views: named('-views') };
};

/** What is looked at in an answer of the API. */
const Answer = z.object({
  status: z.optional(z.unknown()),
  code: z.optional(z.string()),
  requestedAt: z.optional(z.string()),
  endedAt: z.optional(z.string()),
});

interface ApiClient {
  send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: z.infer<typeof Answer> }>;
  close(): void;
}

/** A client of an API with connections that stay open. */
const createApiClient = (url: string): ApiClient => {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  return {
    send: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'content-type': 'application/json' };
        const outgoing = request({ agent, hostname, port, method, path, headers }, (incoming) => {
          let text = '';
          incoming.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolve({ status: incoming.statusCode ?? 0, body: Answer.parse(JSON.parse(text)) });
          });
        });
        outgoing.on('error', reject);
        outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    close: () => agent.destroy(),
  };
};

/** Makes one transfer. */
type Caller = (transfer: Transfer, signal: AbortSignal) => Promise<string>;

/**
 * A program that makes transfers over the API, many at a time: it asks for a transfer, and then asks after it until it has
 * ended. It first asks when its latest ones had ended after that time, and then whenever another part of the time that has
 * passed has passed again: asking too early costs everyone.
 */
const createCaller = (client: ApiClient): Caller => {
  let expected = FIRST_EXPECTED_MS;

  return async ({ id, ...rest }, signal) => {
    const begunAt = performance.now();
    for (;;) {
      const { status, body } = await client.send('POST', '/transfers', { transferId: id, ...rest });
      if (status === 202) break;
      if (body.code !== 'try_again' && body.code !== 'command_in_progress') return body.code ?? String(status);
      // Nothing may have been done, or something: the same transfer, sent again, will tell.
      if (signal.aborted) return UNFINISHED;
      await setTimeout(RETRY_AFTER_MS * Math.random());
    }
    for (let wait = expected; ; wait = Math.max((performance.now() - begunAt) / 4, LEAST_WAIT_MS)) {
      await setTimeout(wait * (0.75 + Math.random() / 2));
      const { status, body } = await client.send('GET', `/transfers/${id}`);
      if (body.status === 'settled') {
        // By the ledger's own clock: by the caller's, waiting longer would look like a reason to wait longer.
        const { requestedAt = '', endedAt = '' } = body;
        expected += (Date.parse(endedAt) - Date.parse(requestedAt) - expected) / 8;
        return 'settled';
      }
      if (status === 200 && body.status === 'released') throw new Error(`transfer ${id} was released`);
      if (signal.aborted) return UNFINISHED;
    }
  };
};

/** In milliseconds. */
const FIRST_EXPECTED_MS = 100;
const LEAST_WAIT_MS = 15;
const RETRY_AFTER_MS = 1_000;
