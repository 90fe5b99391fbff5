import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type AccountId, Version } from '../../events/values.ts';
import { answered, UnreadableAnswer } from '../runtime/answered.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import { lookTogether } from '../runtime/look-together.ts';
import type { Ask } from '../runtime/patience.ts';
import { type Commit, readCommit } from '../store/stream/commit.ts';
import type { Item } from '../views/row.ts';
import type { Findings } from './differences.ts';
import { foldCommits } from './fold-commits.ts';
import { PAGE_ITEMS } from './scan-segment.ts';

/** Some commits of a stream, oldest first. */
interface StreamPage {
  readonly commits: readonly Commit[];
  /** Whether the stream has nothing here, not even a commit that cannot be read. */
  readonly isEmpty: boolean;
  /** The version with which the next page begins, if there may be one. */
  readonly next: Version | undefined;
}

/**
 * Reads commits for those who hold the views to them. A commit that cannot be read, or not be
 * folded, is told to the findings, and keeps no other from being read.
 */
export interface StreamReader {
  /** @param from the commit that holds this version is the first. */
  pages(accountId: AccountId, from: number): AsyncIterable<StreamPage>;
  /** Reads what a scan found. */
  readable(items: readonly Item[]): readonly Commit[];
  /**
   * Reads the commit that holds an event. Those that are asked for at once are read together.
   * @returns `undefined` where there is no such event.
   */
  commitAt(accountId: AccountId, version: number): Promise<Commit | 'unreadable' | undefined>;
}

/** @param ask sends each request. */
export const createStreamReader = (
  events: { readonly client: DynamoDBDocumentClient; readonly table: string },
  ask: Ask,
  findings: Pick<Findings, 'unreadable' | 'looked'>,
): StreamReader => {
  const { client, table } = events;
  const look = lookTogether(events);

  const query = (streamId: AccountId, range: 'from' | 'holding', version: number) =>
    ask(async () => {
      const { Items, LastEvaluatedKey } = answered(
        await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: `streamId = :id AND #version ${range === 'from' ? '>=' : '<='} :version`,
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':id': streamId, ':version': version },
            ScanIndexForward: range === 'from',
            Limit: range === 'from' ? PAGE_ITEMS : 1,
            ConsistentRead: true,
            ReturnConsumedCapacity: 'TOTAL',
          }),
        ),
      );
      if (!Items) throw new UnreadableAnswer();
      return { items: Items, isLast: !LastEvaluatedKey };
    });
  const holding = async (streamId: AccountId, version: number): Promise<Item | undefined> => {
    const { items } = await query(streamId, 'holding', version);
    return items[0];
  };
  const readAll = (items: readonly Item[]): readonly Commit[] => {
    const commits = items.flatMap(read);
    findings.looked('commits', commits.length);
    return commits;
  };
  const read = (item: Item): readonly Commit[] => {
    try {
      const commit = readCommit(item);
      foldCommits([commit]);
      return [commit];
    } catch (error) {
      if (maySucceedLater(error)) throw error;
      findings.unreadable(`${item['streamId']}/${item['version']}`, error);
      return [];
    }
  };

  return {
    readable: readAll,
    commitAt: async (streamId, version) => {
      // Most commits hold one event, and are found under its version.
      const item =
        (await ask(() => look({ streamId, version }))) ?? (await holding(streamId, version));
      if (!item || version >= Number(item['version']) + Number(item['count'] ?? 1))
        return undefined;
      return read(item)[0] ?? 'unreadable';
    },
    pages: async function* (streamId, from) {
      const first = from > 1 ? await holding(streamId, from) : undefined;
      let next: number | undefined = Number(first?.['version'] ?? from);
      while (next !== undefined) {
        const { items, isLast }: Awaited<ReturnType<typeof query>> = await query(
          streamId,
          'from',
          next,
        );
        const last = items.at(-1);
        const after: Version | undefined =
          isLast || !last ? undefined : Version.parse(Number(last['version']) + 1);
        yield { commits: readAll(items), isEmpty: items.length === 0, next: after };
        next = after;
      }
    },
  };
};
