import type { AccountId, TransferId } from '../../events/values.ts';
import { poll, type Time } from '../http/polling.ts';
import { LONGEST_WAIT_SECONDS } from '../http/request/prefer.ts';
import type { Transfer } from '../ledger/transfer.ts';
import { learnWait } from '../runtime/expected-wait.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { Elsewhere } from '../store/deciding/command-result.ts';
import type { Views } from '../views/views.ts';

/** What one request waits for. */
interface WaitForEnd {
  readonly transferId: TransferId;
  /** The transfer's source. */
  readonly from: AccountId;
  /** The longest that the request waits, in seconds. */
  readonly wait: number;
  /** The request's own logger. */
  readonly logger: Telemetry['logger'];
}

/** The wait of one request for the end of its transfer. */
export interface EndOfTransfer {
  /**
   * For the store: a transfer that has ended was accepted. A caller that waits for the end looks
   * there first.
   */
  readonly elsewhere: Elsewhere;
  /**
   * Waits until the transfer has ended or the wait is over.
   * @param replayed whether the command was decided before this request: then it may long have
   *   ended.
   * @returns the transfer as it stands; `undefined` where the views do not show it.
   */
  reached(replayed: boolean): Promise<Transfer | undefined>;
}

/**
 * How long the first transfer is expected to take, and how far the views are behind its end;
 * milliseconds.
 */
const FIRST_EXPECTED_MS = 50;
const VIEWS_LAG_MS = 20;

/**
 * How many requests in one environment have to wait before they look in step; milliseconds apart.
 */
const MANY = 4;
const STEP_MS = 40;

/**
 * Waits for transfers to end, and learns from each how long the next one will take: see {@link
 * learnWait}.
 * @param dependencies the views, which follow the accounts, and time for waiting.
 * @returns begins the wait of one request.
 */
export const watchTransfers = ({
  views,
  time,
}: {
  readonly views: Pick<Views, 'transfer'>;
  readonly time: Time;
}) => {
  const learn = () =>
    learnWait(
      FIRST_EXPECTED_MS,
      { shortest: VIEWS_LAG_MS, longest: LONGEST_WAIT_SECONDS * 1_000 },
      time.clock,
    );
  // A transfer whose reservation queues takes longer than others do.
  const untilEnd = { raced: learn(), queued: learn() };
  /** Requests of this environment that wait now. */
  let waiting = 0;
  // Where many requests wait they look in step, so that one read serves all of them.
  const inStep: Time = {
    clock: time.clock,
    sleep: (milliseconds) => {
      if (waiting < MANY) return time.sleep(milliseconds);
      const until = time.clock() + milliseconds;
      return time.sleep(Math.ceil(until / STEP_MS) * STEP_MS - time.clock());
    },
  };

  return ({ transferId, from, wait, logger }: WaitForEnd): EndOfTransfer => {
    const begunAt = time.clock();
    const deadline = begunAt + wait * 1_000;
    const looks: number[] = [];
    let transfer: Transfer | undefined;
    const hasEnded = async () => {
      looks.push(time.clock());
      // The transfer is accepted, whatever becomes of the views: then its recorded answer will do.
      transfer = await views.transfer(transferId, from).catch((error: unknown) => {
        logger.warn('the views could not be read', { error });
        return undefined;
      });
      return transfer?.endedAt !== undefined;
    };
    return {
      elsewhere: {
        expectedAt: Math.min(begunAt + untilEnd.queued.expected(), deadline),
        look: async () => {
          const steps = (await hasEnded()) ? (transfer?.steps ?? []) : [];
          // The source's first step is its acceptance: the reservation, or, where the same transfer
          // went the short way meanwhile, its settlement.
          const accepted = steps.find(({ accountId }) => accountId === from);
          return (
            accepted && {
              outcome: 'accepted',
              version: accepted.version,
              at: accepted.at,
              replayed: false,
            }
          );
        },
      },
      reached: async (replayed) => {
        // The store looks here only for a command that queues.
        const learned = looks.length > 0 ? untilEnd.queued : untilEnd.raced;
        if (!transfer?.endedAt) {
          const expectedAt = replayed ? begunAt : begunAt + learned.expected();
          waiting += 1;
          await poll(inStep, hasEnded, (ended) => ended, {
            begunAt,
            lastRead: looks.at(-1),
            expectedAt,
            deadline,
          }).finally(() => {
            waiting -= 1;
          });
        }
        if (transfer?.endedAt && !replayed) {
          const [last = begunAt, before] = looks.toReversed();
          const seen =
            before === undefined
              ? Date.parse(transfer.endedAt) + VIEWS_LAG_MS
              : (before + last) / 2;
          learned.took(seen - begunAt);
        }
        return transfer;
      },
    };
  };
};
