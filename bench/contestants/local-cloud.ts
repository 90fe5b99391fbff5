import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { Compute, Transfers } from '../../infra/stages.ts';
import { type LocalCloud, startLocalCloud } from '../../local-cloud/cloud.ts';
import { bearer } from '../../testing/bearer.ts';
import { type Audited, auditLedger } from '../audit/ledger.ts';
import type { Engine } from '../engine.ts';
import { type Bank, UNFINISHED } from '../load/drive.ts';
import { caller, type Transfer } from '../load/ledger-requests.ts';
import { plantAccounts } from '../load/plant.ts';
import { cloudWarmUp, OPENING_BALANCE } from '../load/workload.ts';
import { createMeter, meteredClient, type Usage } from '../metering.ts';
import { synthesizeOnce } from './assembly.ts';
import type { Contestant } from './contestant.ts';

/**
 * The whole local cloud over HTTP, as `npm start` runs it.
 * @param compute how the functions behind the API run.
 * @param transfers how transfers are carried out; absent: as the stage has it.
 */
export const cloudOverHttp = (compute: Compute, transfers?: Transfers): Contestant => ({
  name: `whole cloud, over HTTP, ${compute}${transfers ? `, ${transfers}` : ''}`,
  warmUp: cloudWarmUp(),
  open: async (engine, workloads) => {
    const running = await startCloud(engine, compute, transfers);
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
  /** A client past the endpoint, which nothing counts. */
  readonly direct: DynamoDBDocumentClient;
  /** Makes transfers over HTTP. */
  readonly bank: Bank;
  /** What the functions have asked of DynamoDB since the last call of this: requests alone. */
  usage(): Usage;
  /** Waits until nothing happens any more, and checks from the tables that nothing was lost. */
  audit(accounts: readonly string[], heard: ReadonlyMap<string, string>): Promise<Audited>;
  close(): Promise<void>;
}

/**
 * Starts a local cloud on an empty database of an engine.
 * @param compute how the functions behind the API run.
 * @param transfers how transfers are carried out; absent: as the stage has it.
 */
export const startCloud = async (
  engine: Engine,
  compute: Compute,
  transfers?: Transfers,
): Promise<RunningCloud> => {
  const cloud = await startLocalCloud({
    assembly: await synthesizeOnce(compute, transfers),
    port: 0,
    dynamodb: { endpoint: engine.endpoint, accessKeyId: randomBytes(10).toString('hex') },
    report: { step: () => {}, log: () => {}, warn: (line) => console.error(`${compute}: ${line}`) },
  });
  const tables = tablesOf(cloud);
  const transferIds = new Map<string, string>();
  const direct = meteredClient({ config: cloud.dynamodb }, createMeter());
  const meter = createMeter();
  cloud.intercept((call, forward) => {
    // Counting units would mean reading every body, which would slow the measured cloud down.
    if (call.service === 'dynamodb')
      meter.add({ requests: 1, readUnits: Number.NaN, writeUnits: Number.NaN });
    return forward();
  });
  const token = await cloud.token({
    sub: caller,
    scope: 'ledger:read ledger:write',
    expiresIn: LONGER_THAN_A_RUN_S,
  });
  const client = createApiClient(cloud.url, bearer(token));
  const transfer = createCaller(client, transferIds);
  return {
    cloud,
    tables,
    direct,
    bank: { transfer: (wanted, _, signal) => transfer(wanted, signal) },
    usage: meter.take,
    audit: async (accounts, heard) => {
      for (let [quiet, left] = [0, MOST_QUIET_CHECKS]; quiet < 3 && left > 0; left -= 1) {
        await setTimeout(500);
        quiet = meter.take().requests === 0 ? quiet + 1 : 0;
      }
      return auditLedger({
        client: direct,
        tables,
        accounts: new Map(accounts.map((id) => [id, undefined])),
        heard: new Map([...heard].map(([id, outcome]) => [transferIds.get(id) ?? id, outcome])),
      });
    },
    close: async () => {
      client.close();
      direct.destroy();
      await cloud.stop();
    },
  };
};

/** It waits until no request has come for 1.5 s, but no longer than a minute. */
const MOST_QUIET_CHECKS = 120;

const tablesOf = (cloud: LocalCloud): RunningCloud['tables'] => {
  const named = (ending: string): string => {
    const found = cloud.overview().dynamodb.tables.find((name) => name.endsWith(ending));
    if (found === undefined) throw new Error(`the cloud has no table of ${ending}`);
    return found;
  };
  return { events: named('-events'), commands: named('-commands'), views: named('-views') };
};

/** The fields of an API's answer that the bench reads. */
const Answer = z.object({
  transferId: z.optional(z.string()),
  status: z.optional(z.unknown()),
  code: z.optional(z.string()),
});

interface ApiClient {
  send(
    method: 'GET' | 'POST',
    path: string,
    sent?: { readonly body: unknown; readonly key?: string; readonly prefer?: string },
  ): Promise<{ status: number; body: z.infer<typeof Answer> }>;
  close(): void;
}

/** In seconds. */
const LONGER_THAN_A_RUN_S = 86_400;

/**
 * A client of an API with connections that stay open.
 * @param authorization the header by which it shows its token.
 */
const createApiClient = (url: string, authorization: Record<string, string>): ApiClient => {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  return {
    send: (method, path, sent) =>
      new Promise((resolve, reject) => {
        const headers = {
          ...authorization,
          ...(sent && { 'content-type': 'application/json' }),
          ...(sent?.key && { 'idempotency-key': sent.key }),
          ...(sent?.prefer && { prefer: sent.prefer }),
        };
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
        outgoing.end(sent && JSON.stringify(sent.body));
      }),
    close: () => agent.destroy(),
  };
};

/** Makes one transfer. */
type Caller = (transfer: Transfer, signal: AbortSignal) => Promise<string>;

/**
 * A program that makes transfers over the API and waits for the end of each: it sends `Prefer:
 * wait`, and asks after those that take longer.
 * @param transferIds takes the ids that the API gives to the transfers.
 */
const createCaller =
  (client: ApiClient, transferIds: Map<string, string>): Caller =>
  async ({ id, sentAs = 'key', ...rest }, signal) => {
    const body = sentAs === 'key' ? rest : { ...rest, transferId: id };
    const key = sentAs === 'transferId' ? {} : { key: id };
    const ask = () => client.send('POST', '/transfers', { body, ...key, prefer: 'wait=10' });
    let answer = await ask();
    for (;;) {
      const { status, body } = answer;
      if (body.transferId !== undefined) transferIds.set(id, body.transferId);
      if (body.status === 'settled') return 'settled';
      if (body.status === 'released') throw new Error(`transfer ${body.transferId} was released`);
      const goesOn = status === 200 || status === 202 || TRY_AGAIN.includes(body.code ?? '');
      if (!goesOn) return body.code ?? String(status);
      if (signal.aborted) return UNFINISHED;
      await setTimeout(RETRY_AFTER_MS * Math.random());
      // Without an id the command may be undone, done or pending: the same request, sent again,
      // will tell.
      answer =
        body.transferId === undefined
          ? await ask()
          : await client.send('GET', `/transfers/${body.transferId}`);
    }
  };

const TRY_AGAIN = ['try_again', 'command_in_progress'];

/** In milliseconds. */
const RETRY_AFTER_MS = 1_000;
