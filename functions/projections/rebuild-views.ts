import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { AccountId, Version } from '../../events/values.ts';
import { maySucceedLater } from '../runtime/failure.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { type Commit, readCommit } from '../store/stream/commit.ts';
import { accountPartition } from '../views/account-rows.ts';
import { isPointer, readPointer } from '../views/pointer-row.ts';
import { type Item, readOrPass } from '../views/row.ts';
import { transferKey } from '../views/transfer-row.ts';
import { queryPages, type ViewsTable } from '../views/views-table.ts';
import { checkRows } from './check-rows.ts';
import { compareCommits } from './compare-commits.ts';
import { createFindings, type Tally } from './differences.ts';
import { scanSegment, TableKey } from './scan-segment.ts';
import type { ViewWriter } from './view-writer.ts';

const MOST_SEGMENTS = 64;

/** One segment of one table, or some accounts. */
const Input = z.union([
  z
    .strictObject({
      phase: z.enum(['rows', 'streams']),
      segment: z.int().check(z.gte(0)),
      segments: z.int().check(z.gte(1), z.lte(MOST_SEGMENTS)),
      after: z.optional(TableKey),
      diff: z.optional(z.boolean()),
    })
    .check(z.refine(({ segment, segments }) => segment < segments, 'segment is one of segments')),
  z.strictObject({
    accounts: z.array(AccountId).check(z.minLength(1), z.maxLength(100)),
    /** The version from which the first of them goes on; without it, from its beginning. */
    from: z.optional(Version),
    diff: z.optional(z.boolean()),
  }),
]);
type Input = z.infer<typeof Input>;
type Accounts = Extract<Input, { readonly accounts: unknown }>;
type OneSegment = Exclude<Input, Accounts>;

/** What a call did. */
export interface Rebuilt extends Tally {
  /** Some of what differed. */
  readonly examples: readonly string[];
  /** The input that goes on, where the call stopped before the end. */
  readonly next?: Input;
}

/** What making views again takes. */
export interface RebuildDependencies {
  readonly events: { readonly client: DynamoDBDocumentClient; readonly table: string };
  readonly views: ViewsTable;
  readonly store: Pick<Store, 'commitAt' | 'history'>;
  readonly writer: ViewWriter;
  readonly telemetry: Telemetry;
  /** How long a call begins pages, in milliseconds. */
  readonly budget: number;
  /** How much longer the last page may take, in milliseconds. */
  readonly grace: number;
}

/** How many commits of an account are compared at once. */
const COMMITS_AT_ONCE = 200;

/**
 * Makes the views again from the streams, while the projection goes on.
 *
 * First the *rows*: each is held to the events that it says it comes from, and goes where it says
 * anything else, or is of an older version of the projection. Then the *streams*: what a commit
 * says and no row does is written. In this order nothing is lost: whatever is projected into a row
 * before it goes comes from a commit that the streams, which are read afterwards, still have. Both
 * may be done again, divided among calls, and done beside the projection, since a row becomes the
 * same in whatever order and however often it is written.
 *
 * A call takes one segment of one of the two, works on it until its time is up and says where to
 * go on. `{"accounts":["a"]}` does both for some accounts, and `"diff": true` changes nothing and
 * says what differs.
 * @throws {Error} which names what is wrong with the input, or what failed: the call can be
 *   repeated.
 */
export const createHandler = (dependencies: RebuildDependencies) => {
  const { events, views, store, writer, telemetry, budget, grace } = dependencies;
  const look = lookTogether(views);
  return async (event: unknown): Promise<Rebuilt> => {
    const input = readInput(Input, event);
    const begunAt = views.clock();
    const deadline = begunAt + budget + grace;
    const ask: Ask = askUntil(views, deadline);
    const findings = createFindings((message, context) => telemetry.logger.error(message, context));
    const common = { writer, findings, deadline, isDry: input.diff ?? false };
    const check = (items: readonly Item[]) =>
      checkRows({ ...common, table: views, store, ask, look }, items);
    const compare = (commits: readonly Commit[]) =>
      compareCommits({ ...common, table: views, look }, commits);
    const isTimeUp = () => views.clock() >= begunAt + budget;

    const rowsOf = async (accountId: AccountId): Promise<void> => {
      const known = queryPages(views, ask, {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': accountPartition(accountId) },
        ConsistentRead: true,
      });
      for await (const items of known) {
        const keys = items.filter(isPointer).flatMap((item) => {
          const pointer = readOrPass(item, readPointer, () => {});
          return pointer ? [transferKey(pointer.transferId, pointer.from)] : [];
        });
        const rows = await Promise.all(keys.map((key) => ask(() => look(key))));
        await check([...items, ...rows.flatMap((row) => (row ? [row] : []))]);
      }
    };
    /** @returns the version to go on from, where the time was up before the stream's end. */
    const streamOf = async (
      accountId: AccountId,
      from: Version | undefined,
    ): Promise<Version | undefined> => {
      let commits: Commit[] = [];
      const history = store.history(accountId, from === undefined ? {} : { from });
      try {
        for await (const commit of history) {
          if (commits.length === COMMITS_AT_ONCE) {
            await compare(commits);
            commits = [];
            if (isTimeUp()) return commit.version;
          }
          commits.push(commit);
        }
      } catch (error) {
        if (maySucceedLater(error)) throw error;
        findings.unreadable(`of the stream ${accountId}`, error);
      }
      await compare(commits);
      return undefined;
    };

    const someAccounts = async ({ from, ...of }: Accounts): Promise<Input | undefined> => {
      for (const [index, accountId] of of.accounts.entries()) {
        const rest = { ...of, accounts: of.accounts.slice(index) };
        if (index > 0 && isTimeUp()) return rest;
        const begin = index === 0 ? from : undefined;
        if (begin === undefined) await rowsOf(accountId);
        const goOn = await streamOf(accountId, begin);
        if (goOn !== undefined) return { ...rest, from: goOn };
      }
      return undefined;
    };
    const aSegment = async (of: OneSegment): Promise<Input | undefined> => {
      const { client, table } = of.phase === 'rows' ? views : events;
      for await (const { items, next } of scanSegment(client, table, ask, of)) {
        if (of.phase === 'rows') await check(items);
        else await compare(items.flatMap((item) => readable(item, findings.unreadable)));
        if (next && isTimeUp()) return { ...of, after: next };
      }
      return undefined;
    };

    const next = await ('accounts' in input ? someAccounts(input) : aSegment(input));
    const rebuilt = { ...findings.tally(), examples: findings.examples() };
    telemetry.logger.info('a part of the views is made again', { ...rebuilt, input });
    return { ...rebuilt, ...(next ? { next } : {}) };
  };
};

/** A commit; none where it cannot be read, which must not keep the others from being compared. */
const readable = (
  item: Item,
  tell: (commit: string, error: unknown) => void,
): readonly Commit[] => {
  try {
    return [readCommit(item)];
  } catch (error) {
    if (maySucceedLater(error)) throw error;
    tell(`${item['streamId']}/${item['version']}`, error);
    return [];
  }
};
