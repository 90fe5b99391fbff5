import { setTimeout as sleep } from 'node:timers/promises';
import { type AccountId, Caller } from '../events/values.ts';
import { isHeld } from '../functions/ledger/account.ts';
import type { LedgerDatabase } from '../testing/ledger-database.ts';
import { PREPARED } from './checks/answers.ts';
import type { Consumers } from './consumers/consumers.ts';
import type { Feed } from './consumers/feed.ts';
import type { Executions } from './consumers/workflow.ts';
import type { Environment } from './environments.ts';
import { readRecords } from './remains.ts';
import type { Report } from './violation.ts';

/** How long it may take in fair weather until nothing is open any more, in milliseconds. */
const PATIENCE_MS = 60_000;

const HOUR_MS = 3_600_000;

/** What is left when the clients have gone. */
export interface Aftermath {
  readonly database: LedgerDatabase;
  readonly accounts: readonly AccountId[];
  readonly environments: readonly Environment[];
  readonly observer: Environment;
  readonly feed: Feed;
  readonly consumers: Consumers;
  readonly executions: Executions;
  readonly report: Report;
}

/**
 * Lets everything end in fair weather: the consumers get all that was lost on the way to them, and
 * recovery, by a clock that goes ahead, finds the transfers that nothing carries out any more. It
 * is a violation if anything stays open.
 */
export const settleDown = async (aftermath: Aftermath): Promise<void> => {
  const { environments, feed, consumers, executions, report } = aftermath;
  const until = performance.now() + PATIENCE_MS;
  executions.spare();
  let left: readonly string[] = [];
  for (let round = 0; performance.now() < until; round += 1) {
    await feed.next();
    await consumers.decidePending.drain(feed.seen.pending, until);
    await voidHolds(aftermath);
    await executions.rest();
    // Only recovery finds reservations that were lost on the way to carry-out-transfers.
    await consumers.carryOut.drain([], until);
    const from = round % 2 === 0 ? 'streams' : 'views';
    for (const environment of environments.slice(0, 1)) {
      await consumers.recover(environment, from, 3 * HOUR_MS + round * 2 * HOUR_MS);
    }
    await executions.rest();
    await feed.next();
    await consumers.projectViews.drain(feed.seen.commits, until);
    left = await whatIsOpen(aftermath);
    if (left.length === 0) return;
    await sleep(100);
  }
  report('everything settles down', { left: left.slice(0, 10), of: left.length });
};

/** What is still held is held by nobody any more. */
const voidHolds = async ({ accounts, observer }: Aftermath): Promise<void> => {
  for (const accountId of accounts) {
    const { account } = await observer.store.load(accountId);
    for (const { transferId } of account?.reservations.filter(isHeld) ?? []) {
      const command = { type: 'void' as const, accountId, transferId };
      await observer.store.execute({
        command,
        actor: Caller.parse('alice'),
        correlationId: PREPARED,
      });
    }
  }
};

const whatIsOpen = async ({
  accounts,
  observer,
  database,
}: Aftermath): Promise<readonly string[]> => {
  const tails = await Promise.all(accounts.map((accountId) => observer.store.load(accountId)));
  const reservations = tails.flatMap(({ streamId, account }) =>
    (account?.reservations ?? []).map(
      ({ transferId }) => `reservation ${transferId} on ${streamId}`,
    ),
  );
  const records = [...(await readRecords(observer, database)).values()];
  const pending = records.flatMap((record) =>
    // A further key's copy is decided when a client asks under that key; the first key's is in the
    // queue.
    record.outcome === 'pending' && record.key === record.keys[0] ? [`pending ${record.key}`] : [],
  );
  return [...reservations, ...pending];
};
