import { describe, expect, it } from 'vitest';
import { AccountId } from '../../../events/values.ts';
import { portionOf } from '../../../functions/projections/project-accounts.ts';
import { isStoreUnavailable } from '../../../functions/runtime/unavailable.ts';
import { createMemoryLedger } from './memory-ledger.ts';

const a = AccountId.parse('a');

/** An account with so many deposits, one commit each after its opening. */
const ledgerOf = (deposits: number) => {
  const ledger = createMemoryLedger();
  ledger.commit({
    type: 'open',
    accountId: 'a',
    owner: 'alice',
    currency: 'EUR',
    overdraftLimit: 0,
  });
  for (let n = 1; n <= deposits; n += 1)
    ledger.commit({ type: 'deposit', accountId: 'a', amount: n });
  return ledger;
};

const folded = (ledger: ReturnType<typeof ledgerOf>, clock = () => 0) =>
  portionOf({ clock }, a, undefined, ledger.history(a), 10);

describe('a portion of an account’s commits', () => {
  it.each([
    [999, 1_000, true],
    [1_000, 1_000, false],
  ])(
    'of %i deposits and the opening goes to version %i; is it the last? %s',
    async (deposits, version, isLast) =>
      expect(await folded(ledgerOf(deposits))).toMatchObject({
        changes: { summary: { version } },
        isLast,
      }),
  );
  it('is none where no commit follows', async () =>
    expect(await folded(createMemoryLedger())).toBeUndefined());
  it('is not begun once the time is up, even where nothing would follow', async () =>
    expect(await folded(createMemoryLedger(), () => 10).catch((error: unknown) => error)).toSatisfy(
      isStoreUnavailable,
    ));
  it('is not gone on with once the time is up', async () => {
    let looks = 0;
    const clock = () => (looks++ < 3 ? 9 : 10);
    expect(await folded(ledgerOf(5), clock).catch((error: unknown) => error)).toSatisfy(
      isStoreUnavailable,
    );
    expect(looks).toBe(4);
  });
  it('that cannot be folded says whose stream it is, and why', async () => {
    const ledger = ledgerOf(2);
    const missing = async function* () {
      for await (const commit of ledger.history(a)) if (commit.version !== 2) yield commit;
    };
    await expect(portionOf({ clock: () => 0 }, a, undefined, missing(), 10)).rejects.toMatchObject({
      name: 'Unprojectable',
      message: 'the stream of a cannot be projected',
      cause: { message: 'the views of a need version 2 next, not 3' },
    });
  });
});
