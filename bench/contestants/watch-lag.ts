import { setTimeout } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { LocalCloud } from '../../local-cloud/cloud.ts';
import type { EndpointCall } from '../../local-cloud/endpoint.ts';

/**
 * Sees, at the endpoint, every step of a transfer that is appended to a stream, and every step that
 * is written to the views.
 */
export interface LagWatch {
  /**
   * How long each step took from append to visible, of those that became visible since the last
   * call of this; in ms.
   */
  take(): readonly number[];
  /**
   * Waits until the views show the step of a transfer that is a version of an account.
   * @throws {Error} where they do not get there.
   */
  untilVisible(accountId: string, version: number): Promise<void>;
  /**
   * Waits until every appended step is visible.
   * @throws {Error} where that does not happen.
   */
  untilCaughtUp(): Promise<void>;
}

/** Watches a cloud from now on. */
export const watchLag = (
  { intercept }: Pick<LocalCloud, 'intercept'>,
  tables: { readonly events: string; readonly views: string },
): LagWatch => {
  /** When the steps that are not visible yet were appended, by their places. */
  const appended = new Map<string, number>();
  const visible = new Set<string>();
  let lags: number[] = [];

  const show = (place: string): void => {
    visible.add(place);
    const at = appended.get(place);
    if (at !== undefined && appended.delete(place)) lags.push(performance.now() - at);
  };

  intercept(async (call, forward) => {
    const body: unknown = isWrite(call) ? JSON.parse(call.body.toString()) : undefined;
    const [steps, rows] = [stepsIn(body), rowsIn(body)];
    const appends = steps.length > 0 && call.body.includes(`"${tables.events}"`);
    const shows = rows.length > 0 && call.body.includes(`"${tables.views}"`);
    const response = await forward();
    if (response.status !== 200) return response;
    const now = performance.now();
    // A step may be shown before its append is answered.
    for (const place of appends ? steps : []) if (!visible.has(place)) appended.set(place, now);
    for (const place of shows ? rows : []) show(place);
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
        () => visible.has(placeOf(accountId, version)),
        `the views of ${accountId} at version ${version}`,
      ),
    untilCaughtUp: () => until(() => appended.size === 0, 'some views'),
  };
};

const VISIBLE_WITHIN_MS = 60_000;

const isWrite = ({ service, operation }: EndpointCall): boolean =>
  service === 'dynamodb' && /^(Put|Update|BatchWrite|TransactWrite)Item/.test(operation);

const placeOf = (accountId: string, version: number): string => `${accountId}/${version}`;

const number = z.pipe(
  z.object({ N: z.string() }),
  z.transform(({ N }) => Number(N)),
);
const text = z.pipe(
  z.object({ S: z.string() }),
  z.transform(({ S }) => S),
);
/** A commit, in an item of a request. */
const Commit = z.object({
  streamId: text,
  version: number,
  events: z.object({
    L: z.array(
      z.object({
        M: z.object({
          type: text,
          data: z.object({
            M: z.object({ transferId: z.optional(text), reason: z.optional(text) }),
          }),
        }),
      }),
    ),
  }),
});
/** A step, in a row of a request. */
const Step = z.object({ M: z.object({ accountId: text, version: number, at: text }) });

/** The places of the steps of transfers that a request appends. */
const stepsIn = (body: unknown): string[] =>
  everythingIn(body).flatMap((value) => {
    const { data: commit } = Commit.safeParse(value);
    if (!commit) return [];
    return commit.events.L.flatMap(({ M: { type, data } }, index) => {
      // The end of a reservation that was settled is no step.
      const isStep = data.M.transferId && (type !== 'ReservationCancelled' || data.M.reason);
      return isStep ? [placeOf(commit.streamId, commit.version + index)] : [];
    });
  });

/** The places of the steps that a request writes to rows. */
const rowsIn = (body: unknown): string[] =>
  everythingIn(body).flatMap((value) => {
    const { data: step } = Step.safeParse(value);
    return step ? [placeOf(step.M.accountId, step.M.version)] : [];
  });

/** Every object inside a value. */
const everythingIn = (value: unknown): object[] =>
  typeof value === 'object' && value !== null
    ? [value, ...Object.values(value).flatMap(everythingIn)]
    : [];
