import { setTimeout } from 'node:timers/promises';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { createHandler as createDecidePending } from '../../functions/commands/decide-pending.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import type { Store } from '../../functions/store/store.ts';
import { createHandler as createCarryOut } from '../../functions/transfers/carry-out-transfers.ts';
import type { TransferInput, TransferWorkflow } from '../../functions/transfers/workflow.ts';
import { defaultStage, settingsOf } from '../../infra/stages.ts';
import { connectToDynamoDb } from '../../local-cloud/dynamodb/connection.ts';
import type { LocalFunction } from '../../local-cloud/lambda/invocation.ts';
import { openCheckpoints } from '../../local-cloud/streams/checkpoints.ts';
import { startEventSourceMapping } from '../../local-cloud/streams/mapping.ts';
import { openStream, type Stream } from '../../local-cloud/streams/stream.ts';
import { streamsOf } from '../../local-cloud/streams/streams-api.ts';
import { hold } from '../audit/rule.ts';
import type { Database } from '../engine.ts';
import { carryOut as finish } from './transfer-steps.ts';

/** The functions behind the streams of a ledger's tables, without Lambda. */
export interface StreamFunctions {
  /**
   * Resolves once a transfer has settled: the bench reads the events table's stream for this, and
   * no other reader waits for it.
   */
  settled(transferId: string): Promise<void>;
  /** How many transfers were left to the workflow so far. */
  leftToWorkflow(): number;
  /**
   * Waits until the workflow has ended all transfers that were left to it.
   * @throws {AuditFailure} where it has not after 15 s.
   */
  untilWorkflowEnds(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the handlers of decide-pending and carry-out-transfers behind the event source mappings of
 * the local cloud, set as the template sets them. Where the events table has no stream, nothing
 * carries transfers out.
 * @param store the store that both of them decide with.
 * @param longestPauseMs how long a stream record may go unseen, in milliseconds. Unlike the
 *   endpoint of the local cloud, nothing tells of a write here, so the readers look this often.
 */
export const startStreamFunctions = async (
  { config, streams: arns }: Database,
  store: Pick<Store, 'decidePending' | 'execute' | 'executeTogether'>,
  longestPauseMs = 10,
): Promise<StreamFunctions> => {
  const workflow = createWorkflow(store);
  const complaints = createComplaints();
  const { decidePending, carryOut } = handlersOn(store, workflow, complaints.logger);
  const connection = connectToDynamoDb(config);
  const open = (streamArn: string) =>
    openStream({
      streams: streamsOf(connection),
      streamArn,
      longestPauseMs,
      report,
    });
  const waiting = new Map<string, () => void>();
  const settings = settingsOf(defaultStage).streams;
  const mappings = [
    map(open(arns.queue), 'decide-pending', settings['decide-pending'], decidePending, QUEUED),
  ];
  if (arns.events !== '') {
    const events = open(arns.events);
    mappings.push(
      map(events, 'carry-out-transfers', settings['carry-out-transfers'], carryOut, RESERVATIONS),
      map(events, 'bench', { batchSize: 1_000, parallelBatches: 1 }, async (event) => {
        for (const transferId of settledIn(event)) {
          waiting.get(transferId)?.();
          waiting.delete(transferId);
        }
        return { batchItemFailures: [] };
      }),
    );
  }
  return {
    settled: (transferId) => new Promise((resolve) => waiting.set(transferId, resolve)),
    leftToWorkflow: workflow.started,
    untilWorkflowEnds: workflow.untilAllEnd,
    stop: async () => {
      await Promise.all(mappings.map((mapping) => mapping.stop()));
      await workflow.stop();
      complaints.print();
      connection.close();
    },
  };
};

const report = (line: string) => console.error(line);

/** The filters of infra/constructs/stream-mapping.ts. */
const QUEUED = {
  eventName: ['INSERT'],
  dynamodb: { NewImage: { fingerprint: { S: [{ exists: true }] } } },
};
const RESERVATIONS = { dynamodb: { NewImage: { reserves: { N: [{ exists: true }] } } } };

type StreamHandler = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

/**
 * What the handlers complain of, once each: of thousands of steps that failed in the same way, the
 * first says as much as all.
 */
const createComplaints = () => {
  const heard = new Map<unknown, { readonly first: readonly unknown[]; times: number }>();
  const note = (...line: readonly unknown[]) => {
    const known = heard.get(line[0]) ?? { first: line, times: 0 };
    known.times += 1;
    heard.set(line[0], known);
  };
  return {
    logger: { info: () => {}, warn: note, error: note },
    print: () => {
      for (const { first, times } of heard.values()) console.error(`${times} times:`, ...first);
    },
  };
};

/**
 * Stands for the state machine: takes the steps of a transfer that was left to it until they are
 * done.
 */
const createWorkflow = (store: Pick<Store, 'execute'>) => {
  const stopped = new AbortController();
  const executions = new Map<string, Promise<unknown>>();
  let open = 0;
  const execute = async ({ transferId, from, to, amount }: TransferInput): Promise<void> => {
    open += 1;
    const transfer = { id: transferId, from, to, amount };
    if ((await finish(store, transfer, stopped.signal)) === 'settled') open -= 1;
  };
  const start: TransferWorkflow['start'] = async (name, input) => {
    if (executions.has(name)) return 'already_exists';
    executions.set(name, execute(input));
    return 'started';
  };
  return {
    start,
    started: () => executions.size,
    untilAllEnd: async () => {
      await Promise.race([
        Promise.all(executions.values()),
        setTimeout(ENDED_WITHIN_MS, undefined, { ref: false }),
      ]);
      hold(open === 0, `${open} transfers that were left to the workflow did not end`);
    },
    stop: async () => {
      stopped.abort();
      await Promise.all(executions.values());
    },
  };
};

const ENDED_WITHIN_MS = 15_000;

const handlersOn = (
  store: Pick<Store, 'decidePending' | 'executeTogether'>,
  workflow: Pick<TransferWorkflow, 'start'>,
  logger: Telemetry['logger'],
): Record<'decidePending' | 'carryOut', StreamHandler> => {
  const telemetry: Telemetry = { logger, count: () => {}, measure: () => {} };
  return {
    decidePending: createDecidePending({
      store,
      telemetry,
      clock: Date.now,
      budget: Number.POSITIVE_INFINITY,
    }),
    carryOut: createCarryOut({
      store,
      workflow,
      telemetry,
      clock: Date.now,
      random: Math.random,
      sleep: (milliseconds) => setTimeout(milliseconds),
      budget: { steps: 25_000, starts: 40_000 },
    }),
  };
};

const map = (
  stream: Stream,
  name: string,
  { batchSize, parallelBatches }: { readonly batchSize: number; readonly parallelBatches: number },
  handler: StreamHandler,
  filter?: object,
) =>
  startEventSourceMapping({
    properties: {
      EventSourceArn: stream.arn,
      FunctionName: name,
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: batchSize,
      ParallelizationFactor: parallelBatches,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ...(filter ? { FilterCriteria: { Filters: [{ Pattern: JSON.stringify(filter) }] } } : {}),
    },
    stream,
    target: asFunction(name, handler),
    onFailure: (batch) => {
      throw new Error(`${name} gave up: ${JSON.stringify(batch)}`);
    },
    checkpoints: openCheckpoints(undefined),
    report,
  });

const asFunction = (name: string, handler: StreamHandler): LocalFunction => ({
  name,
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
  invoke: async (event) => {
    try {
      return { ok: true, payload: await handler(StreamEvent.parse(event)) };
    } catch (error) {
      return { ok: false, errorType: 'Error', errorMessage: String(error) };
    }
  },
});

/** The event that a mapping hands over. */
const StreamEvent = z.custom<DynamoDBStreamEvent>(
  (event) => typeof event === 'object' && event !== null && 'Records' in event,
);

/** The transfers that were settled by the commits of a batch. */
const settledIn = ({ Records }: DynamoDBStreamEvent): string[] =>
  Records.flatMap(({ dynamodb }) => dynamodb?.NewImage?.['events']?.L ?? []).flatMap(
    ({ M: event }) => {
      const transferId = event?.['data']?.M?.['transferId']?.S;
      return event?.['type']?.S === 'MoneyWithdrawn' && transferId !== undefined
        ? [transferId]
        : [];
    },
  );
