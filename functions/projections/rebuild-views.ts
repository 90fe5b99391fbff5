import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { AccountId } from '../../events/values.ts';
import { lookTogether } from '../runtime/look-together.ts';
import { type Ask, askUntil } from '../runtime/patience.ts';
import { readInput } from '../runtime/read-input.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import type { Item } from '../views/row.ts';
import type { ViewsTable } from '../views/views-table.ts';
import { checkRows } from './check-rows.ts';
import { compareChanges } from './compare-changes.ts';
import { createFindings, type Tally } from './differences.ts';
import { foldCommits, type ViewChanges } from './fold-commits.ts';
import { createStreamReader } from './read-streams.ts';
import { PlaceInAccount, rebuildAccounts } from './rebuild-accounts.ts';
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
    ...PlaceInAccount.shape,
    diff: z.optional(z.boolean()),
  }),
]);
type Input = z.infer<typeof Input>;
type OneSegment = Extract<Input, { readonly phase: unknown }>;

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
  readonly store: Pick<Store, 'load' | 'recordOf' | 'asOf'>;
  readonly writer: ViewWriter;
  readonly telemetry: Telemetry;
  /** How long a call begins pages, in milliseconds. */
  readonly budget: number;
  /** How much longer the last page may take, in milliseconds. */
  readonly grace: number;
}

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
 * go on. `{"accounts":["a"]}` does both for some accounts, with what other accounts' streams say of
 * their transfers ({@link rebuildAccounts}), and `"diff": true` changes nothing and says what
 * differs.
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
    const isDry = input.diff ?? false;
    const common = { table: views, look, store, writer, findings, deadline, isDry };
    const streams = createStreamReader(events, ask, findings);
    const check = (items: readonly Item[]) => checkRows({ ...common, streams, ask }, items);
    const compare = (changes: ViewChanges) => compareChanges(common, changes);
    const isTimeUp = () => views.clock() >= begunAt + budget;

    const aSegment = async (of: OneSegment): Promise<Input | undefined> => {
      const { client, table } = of.phase === 'rows' ? views : events;
      for await (const { items, next } of scanSegment(client, table, ask, of)) {
        if (of.phase === 'rows') await check(items);
        else await compare(foldCommits(streams.readable(items)));
        if (next && isTimeUp()) return { ...of, after: next };
      }
      return undefined;
    };

    const next = await ('accounts' in input
      ? rebuildAccounts(
          { views, ask, look, streams, store, findings, check, compare, isTimeUp },
          input,
        )
      : aSegment(input));
    const rebuilt = { ...findings.tally(), examples: findings.examples() };
    telemetry.logger.info('a part of the views is made again', { ...rebuilt, input });
    return { ...rebuilt, ...(next ? { next } : {}) };
  };
};
