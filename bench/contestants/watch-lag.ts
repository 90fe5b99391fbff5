import { setTimeout } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { LocalCloud } from '../../local-cloud/cloud.ts';
import type { EndpointCall } from '../../local-cloud/endpoint.ts';

/** Sees, at the endpoint, every commit that is appended and every summary that moves on. */
export interface LagWatch {
  /**
   * How long each commit took from append to visible, of those that became visible since the last
   * call of this; in ms.
   */
  take(): readonly number[];
  /**
   * Waits until the views of an account are at a version.
   * @throws {Error} where they do not get there.
   */
  untilVisible(accountId: string, version: number): Promise<void>;
  /**
   * Waits until every appended commit is visible.
   * @throws {Error} where that does not happen.
   */
  untilCaughtUp(): Promise<void>;
}

/** Watches a cloud from now on. */
export const watchLag = (
  { intercept }: Pick<LocalCloud, 'intercept'>,
  tables: { readonly events: string; readonly views: string },
): LagWatch => {
  /**
   * By account, the last versions of the commits that are not visible yet, and when they were
   * appended.
   */
  const appended = new Map<string, { readonly version: number; readonly at: number }[]>();
  const visible = new Map<string, number>();
  let lags: number[] = [];

  const see = ({ streamId, version }: Place): void => {
    const waiting = appended.get(streamId) ?? [];
    appended.set(streamId, [...waiting, { version, at: performance.now() }]);
  };
  const show = ({ streamId, version }: Place): void => {
    visible.set(streamId, Math.max(version, visible.get(streamId) ?? 0));
    const waiting = appended.get(streamId) ?? [];
    for (const { at } of waiting.filter((commit) => commit.version <= version))
      lags.push(performance.now() - at);
    appended.set(
      streamId,
      waiting.filter((commit) => commit.version > version),
    );
  };

  intercept(async (call, forward) => {
    const commit = appendOf(call, tables.events);
    const summary = summaryOf(call, tables.views);
    const response = await forward();
    if (response.status === 200 && commit) see(commit);
    if (response.status === 200 && summary) show(summary);
    return response;
  });

  const until = async (isSo: () => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + VISIBLE_WITHIN_MS;
    while (!isSo()) {
      if (performance.now() > deadline)
        throw new Error(`${what} are not there after ${VISIBLE_WITHIN_MS} ms`);
      await setTimeout(2);
    }
  };
  return {
    take: () => {
      const taken = lags;
      lags = [];
      return taken;
    },
    untilVisible: (accountId, version) =>
      until(
        () => (visible.get(accountId) ?? 0) >= version,
        `the views of ${accountId} at version ${version}`,
      ),
    untilCaughtUp: () =>
      until(() => [...appended.values()].every(({ length }) => length === 0), 'some views'),
  };
};

const VISIBLE_WITHIN_MS = 60_000;

/** The version that an account's stream, or its views, are at. */
interface Place {
  readonly streamId: string;
  readonly version: number;
}

const number = z.pipe(
  z.object({ N: z.string() }),
  z.transform(({ N }) => Number(N)),
);
const text = z.pipe(
  z.object({ S: z.string() }),
  z.transform(({ S }) => S),
);
const Commit = z.object({
  TableName: z.string(),
  Item: z.object({ streamId: text, version: number, count: number }),
});
const Summary = z.object({
  TableName: z.string(),
  Item: z.object({ sk: text, accountId: text, version: number }),
});
const Transaction = z.object({ TransactItems: z.array(z.object({ Put: z.unknown() })) });

/** The commit that a request appends, if it is one that does. */
const appendOf = ({ operation, body }: EndpointCall, table: string): Place | undefined => {
  if (operation !== 'PutItem' && operation !== 'TransactWriteItems') return undefined;
  const request: unknown = JSON.parse(body.toString());
  const puts = Transaction.safeParse(request).data?.TransactItems.map(({ Put }) => Put) ?? [
    request,
  ];
  for (const put of puts) {
    const { data } = Commit.safeParse(put);
    if (data?.TableName === table) {
      const { streamId, version, count } = data.Item;
      return { streamId, version: version + count - 1 };
    }
  }
  return undefined;
};

/** The summary that a request writes, if it is one that does. */
const summaryOf = ({ operation, body }: EndpointCall, table: string): Place | undefined => {
  if (operation !== 'PutItem') return undefined;
  const { data } = Summary.safeParse(JSON.parse(body.toString()));
  if (data?.TableName !== table || data.Item.sk !== 'summary') return undefined;
  return { streamId: data.Item.accountId, version: data.Item.version };
};
