import type { AccountId } from '../events/values.ts';
import { type Account, available, evolve } from '../functions/ledger/account.ts';
import type { Store } from '../functions/store/store.ts';
import { type Commit, type CommitFacts, chainHash } from '../functions/store/stream/commit.ts';

/**
 * Reads a whole stream and checks what must always hold of it: versions without a gap, times that
 * never go back, hashes that follow from each other, snapshots that equal the fold, `available` at
 * least −`overdraftLimit` at every version.
 * @returns the commits and the account they fold to.
 * @throws {Error} naming the first commit that breaks a rule.
 */
export const verifyStream = async (
  store: Store,
  accountId: AccountId,
): Promise<{ readonly commits: readonly Commit[]; readonly account: Account }> => {
  const commits: Commit[] = [];
  let [version, hash, at, account]: [number, string, string, Account | undefined] = [
    0,
    '',
    '',
    undefined,
  ];
  for await (const commit of store.history(accountId)) {
    const broken = (rule: string) => new Error(`${accountId}/${commit.version}: ${rule}`);
    if (commit.version !== version + 1) throw broken(`follows version ${version}`);
    if (commit.at < at) throw broken(`is earlier than the commit before it`);
    if (commit.hash !== chainHash(hash, factsOf(commit)))
      throw broken('its hash does not follow from the commit before it');
    for (const event of commit.events) {
      account = evolve(account, event);
      if (available(account) < -account.overdraftLimit) throw broken('spends more than there is');
    }
    if (
      commit.snapshot &&
      JSON.stringify(sorted(commit.snapshot)) !== JSON.stringify(sorted(account))
    ) {
      throw broken('its snapshot is not the fold of the events');
    }
    [version, hash, at] = [version + commit.count, commit.hash, commit.at];
    commits.push(commit);
  }
  if (!account) throw new Error(`${accountId}: no stream`);
  return { commits, account };
};

const factsOf = ({ streamId, version, count, at, writeId, batch, events }: Commit): CommitFacts => {
  const facts = {
    streamId,
    version,
    count,
    at,
    writeId,
    events: events.map(({ version: _, at: __, origin: ___, ...event }) => event),
  };
  const [first] = events;
  if (!first) throw new Error(`${streamId}/${version}: no events`);
  if (batch === 1) return { ...facts, ...first.origin };
  const byCommand = Map.groupBy(events, ({ origin }) => origin.commandId);
  return {
    ...facts,
    commands: [...byCommand.values()].flatMap((caused) =>
      caused.slice(0, 1).map(({ origin }) => ({ ...origin, count: caused.length })),
    ),
  };
};

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)]),
      )
    : value;
