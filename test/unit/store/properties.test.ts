import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { randomOf } from '../../../testing/random.ts';
import { verifyStream } from '../../../testing/verify-stream.ts';
import { createLedgerDatabase } from '../../mutants/memory-database.ts';
import { anyScenario, type Moment, play, type Scenario } from '../../properties/history.ts';
import { createMeteredStore, type MeteredStore } from '../../setup/metered-store.ts';
import { seed } from '../../setup/seed.ts';
import { ROUNDS, weather } from './weather.ts';

const { actor, correlationId } = requests.open('nobody');

/** What the saga and the schedules send without a key, and may send again: it is done once. */
const UNKEYED = new Set(['settle', 'release', 'expire', 'freeze', 'unfreeze', 'close']);

const requestOf = ({ command }: Moment, n: number): CommandRequest => ({
  command,
  ...(UNKEYED.has(command.type) ? {} : { keys: [recordKey(`moment-${n}`)] }),
  actor,
  correlationId,
});

/** The way at once is another answer to a lost race; it has races of its own. */
const theLongWay = ({ openings, steps }: Scenario): Scenario => ({
  openings,
  steps: steps.map((step) => (step.step === 'transfer' ? { ...step, isAtOnce: false } : step)),
});

/** @returns what became of it, by a repeat where the answer was lost. */
const decided = async (request: CommandRequest, store: MeteredStore, quiet: MeteredStore) => {
  const first = await store.store.execute(request).catch(() => undefined);
  const isKnown = first && first.outcome !== 'undecided' && first.outcome !== 'in_progress';
  const result = isKnown ? first : await quiet.store.execute(request);
  return result.outcome === 'rejected' ? result.rejection.code : result.outcome;
};

it(`whatever is lost, in conflict or half told, the store comes to what the ledger alone comes to (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario, fc.nat(), async (scenario, luck) => {
      const moments = play(theLongWay(scenario));
      const database = await createLedgerDatabase();
      const random = randomOf(luck);
      let now = 0;
      const environment = () =>
        createMeteredStore(database, {
          clock: () => now,
          sleep: () => setImmediate(),
          budget: 60_000,
        });
      const [one, other, quiet] = [environment(), environment(), environment()];
      for (const { inject } of [one, other]) inject(weather(random.fork()));
      for (const [n, moment] of moments.entries()) {
        now = Date.parse(moment.at);
        const request = requestOf(moment, n);
        const expected = moment.outcome.startsWith('done') ? 'accepted' : moment.outcome;
        // Some are sent twice at once, by a client or by two deliveries.
        const senders = random.chance(0.3) && request.keys ? [one, other] : [one];
        const heard = await Promise.all(senders.map((sender) => decided(request, sender, quiet)));
        expect(heard, `command ${n}, ${moment.command.type}`).toEqual(senders.map(() => expected));
      }
      const changes = moments.flatMap((moment) => moment.changes);
      for (const [id, all] of Map.groupBy(changes, ({ accountId }) => accountId)) {
        const { account, commits } = await verifyStream(quiet.store, AccountId.parse(id));
        expect(account).toEqual(all.flatMap(({ states }) => states).at(-1));
        expect(commits.flatMap(({ events }) => events.map(({ type }) => type))).toEqual(
          all.flatMap(({ events }) => events.map(({ type }) => type)),
        );
      }
    }),
    { numRuns: Math.ceil(ROUNDS / 2), seed, endOnFailure: true },
  );
}, 600_000);
