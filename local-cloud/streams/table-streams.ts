import type { CreatedTable } from '../dynamodb/tables.ts';
import type { Stream } from './stream.ts';

/** The streams of the tables. */
export interface TableStreams {
  /** @param table the table's logical id. @returns `undefined` where it has no stream. */
  of(table: string): Stream | undefined;
  /** Wakes the stream of every table that a write names. @param body the request, JSON. */
  wake(body: Buffer): void;
}

/**
 * Opens the streams of the tables that have one.
 * @param tables by their logical ids.
 * @param open opens the stream of an ARN.
 */
export const openTableStreams = (
  tables: ReadonlyMap<string, Pick<CreatedTable, 'tableName' | 'streamArn'>>,
  open: (streamArn: string) => Stream,
): TableStreams => {
  const streams = new Map(
    [...tables].flatMap(([id, { tableName, streamArn }]) =>
      // The name stands in its quotes, as in JSON, so that it does not match a longer one.
      streamArn === undefined
        ? []
        : [[id, { stream: open(streamArn), named: JSON.stringify(tableName) }] as const],
    ),
  );
  return {
    of: (table) => streams.get(table)?.stream,
    wake: (body) => {
      for (const { named, stream } of streams.values()) if (body.includes(named)) stream.wake();
    },
  };
};
