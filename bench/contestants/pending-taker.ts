import type { DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { streamImage } from '../../functions/background/stream-image.ts';
import { PendingCommand } from '../../functions/store/command-record.ts';
import type { Store } from '../../functions/store/store.ts';
import { openCheckpoints } from '../../infra/local/checkpoints.ts';
import { connectToDynamoDb } from '../../infra/local/dynamodb-connection.ts';
import { startEventSourceMapping } from '../../infra/local/event-source/mapping.ts';
import { openStream } from '../../infra/local/event-source/stream.ts';
import { streamsOf } from '../../infra/local/event-source/streams-api.ts';
import type { LocalFunction } from '../../infra/local/invocation.ts';
import { defaultStage, settingsOf } from '../../infra/stages.ts';
import type { Database } from '../engine.ts';

/** Takes the commands that wait, as the Lambda behind the commands table's stream does. */
export interface PendingTaker {
  stop(): Promise<void>;
}

/**
 * Starts it: the event source mapping of the local cloud, set as the template sets it, in front of a store.
 * @param store decides what was taken.
 */
export const startPendingTaker = async (
  { config, commandsStream }: Database,
  store: Pick<Store, 'decidePending'>,
): Promise<PendingTaker> => {
  const connection = connectToDynamoDb(config);
  const report = (line: string) => console.error(line);
  const streams = streamsOf(connection);
  const { batchSize, parallelBatches } = settingsOf(defaultStage).streams['decide-pending'];
  const mapping = startEventSourceMapping({
    properties: {
      EventSourceArn: commandsStream,
      FunctionName: decidePending,
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: batchSize,
      ParallelizationFactor: parallelBatches,
      FilterCriteria: { Filters: [{ Pattern: JSON.stringify(waiting) }] },
    },
    stream: openStream({ streams, streamArn: commandsStream, longestPauseMs, report }),
    target: asFunction(store),
    onFailure: (batch) => {
      throw new Error(`commands that wait were given up: ${JSON.stringify(batch)}`);
    },
    checkpoints: openCheckpoints(undefined),
    report,
  });
  return {
    stop: async () => {
      await mapping.stop();
      connection.close();
    },
  };
};

const decidePending = 'decide-pending';

/** Here nobody tells of a write, as the gateway of the local cloud does. */
const longestPauseMs = 20;

/** See infra/constructs/stream-mapping.ts. */
const waiting = { eventName: ['INSERT'], dynamodb: { NewImage: { outcome: { S: ['pending'] } } } };

const asFunction = (store: Pick<Store, 'decidePending'>): LocalFunction => ({
  name: decidePending,
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${decidePending}`,
  invoke: async (event) => {
    try {
      const byAccount = Map.groupBy(pendingIn(event), ({ command }) => command.accountId);
      await Promise.all([...byAccount].map(([accountId, commands]) => store.decidePending(accountId, commands)));
      return { ok: true, payload: null };
    } catch (error) {
      return { ok: false, errorType: 'Error', errorMessage: String(error) };
    }
  },
});

const pendingIn = (event: unknown): PendingCommand[] =>
  StreamEvent.parse(event).Records.map(({ dynamodb }) => PendingCommand.parse(streamImage(dynamodb?.NewImage)));

/** What a mapping hands over. */
const StreamEvent = z.custom<DynamoDBStreamEvent>(
  (event) => typeof event === 'object' && event !== null && 'Records' in event,
);
