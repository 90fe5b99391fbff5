import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import { connectToDynamoDb } from '../../../local-cloud/dynamodb/connection.ts';
import type { Invocation } from '../../../local-cloud/lambda/invocation.ts';
import { openCheckpoints } from '../../../local-cloud/streams/checkpoints.ts';
import type { FailedBatch } from '../../../local-cloud/streams/failed-batch.ts';
import {
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from '../../../local-cloud/streams/mapping.ts';
import { openStream } from '../../../local-cloud/streams/stream.ts';
import { type StreamsApi, streamsOf } from '../../../local-cloud/streams/streams-api.ts';
import { createTestDatabaseWithStreams } from '../../setup/tables.ts';

/** A batch that the function was given. */
export interface Delivered {
  /** The items: `STREAM/VERSION`. */
  readonly keys: readonly string[];
  /** The writes to them: `STREAM/VERSION#WRITE`, see `put`. */
  readonly writes: readonly string[];
  readonly sequenceNumbers: readonly string[];
}

export const succeeded: Invocation = { ok: true, payload: null };
export const failed: Invocation = { ok: false, errorType: 'Error', errorMessage: 'it failed' };

/** An events table of the test's own, and mappings of its stream. */
export const openMappedStream = async () => {
  const { config, tables, streams: streamArns } = await createTestDatabaseWithStreams();
  const client = new DynamoDBClient(config);
  onTestFinished(() => client.destroy());
  const connection = connectToDynamoDb(config);
  onTestFinished(() => connection.close());
  const api = streamsOf(connection);
  const checkpoints = openCheckpoints(undefined);

  /**
   * Writes an item.
   * @param more attributes; `write` names the write where an item has several: without other
   *   content there is no record of it.
   */
  const put = (
    streamId: string,
    version: number,
    more: Record<string, { N: string } | { B: Uint8Array }> = {},
  ) =>
    client.send(
      new PutItemCommand({
        TableName: tables.events,
        Item: { streamId: { S: streamId }, version: { N: String(version) }, ...more },
      }),
    );

  /**
   * The API of streams, which tells of every request for records before it is sent, and of how many
   * came.
   */
  const watched = (
    before: () => Promise<void>,
    after: (records: number) => void = () => {},
  ): StreamsApi => ({
    ...api,
    getRecords: async (request) => {
      await before();
      const answer = await api.getRecords(request);
      after(answer.Records.length);
      return answer;
    },
  });

  /** Starts a mapping to a function that is the test, and tells all that it delivers. */
  const started = (
    properties: Partial<EventSourceMappingOptions['properties']> = {},
    answer: (batch: Delivered) => Invocation | Promise<Invocation> = () => succeeded,
    streams = api,
  ) => {
    const batches: Delivered[] = [];
    const events: unknown[] = [];
    const failures: FailedBatch[] = [];
    const reports: string[] = [];
    const report = (line: string) => reports.push(line);
    const mapping = startEventSourceMapping({
      properties: {
        EventSourceArn: 'events',
        FunctionName: 'consumer',
        StartingPosition: 'TRIM_HORIZON',
        ...properties,
      },
      stream: openStream({ streams, streamArn: streamArns.events, longestPauseMs: 20, report }),
      target: {
        name: 'consumer',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:consumer',
        invoke: async (event) => {
          const batch = deliveredIn(event);
          events.push(event);
          batches.push(batch);
          return answer(batch);
        },
      },
      onFailure: (message) => void failures.push(message),
      checkpoints,
      report,
    });
    onTestFinished(mapping.stop);
    const keys = () => batches.flatMap((batch) => batch.keys);
    return { batches, events, failures, reports, keys, stop: mapping.stop };
  };

  return { streamArn: streamArns.events, checkpoints, put, watched, started };
};

const Event = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        Keys: z.object({
          streamId: z.object({ S: z.string() }),
          version: z.object({ N: z.string() }),
        }),
        NewImage: z.object({ write: z.optional(z.object({ N: z.string() })) }),
        SequenceNumber: z.string(),
      }),
    }),
  ),
});

const deliveredIn = (event: unknown): Delivered => {
  const { Records } = Event.parse(event);
  const keys = Records.map(({ dynamodb: { Keys } }) => `${Keys.streamId.S}/${Keys.version.N}`);
  return {
    keys,
    writes: Records.map(
      ({ dynamodb: { NewImage } }, position) => `${keys[position]}#${NewImage.write?.N ?? 1}`,
    ),
    sequenceNumbers: Records.map(({ dynamodb }) => dynamodb.SequenceNumber),
  };
};
