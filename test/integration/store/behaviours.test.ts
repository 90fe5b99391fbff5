import { beforeAll, describe } from 'vitest';
import type { AccountId } from '../../../events/values.ts';
import { requests } from '../../../testing/ledger-requests.ts';
import { behavesAsAStore, type StoreToTry } from '../../setup/behaviours-of-a-store.ts';
import { createMeteredStore } from '../../setup/metered-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/tables.ts';
import { createTestTime } from '../../setup/test-time.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** As long as nobody helps with what is pending. */
const IMPATIENT_MS = 200;

const createStoreToTry = (tables: TestDatabase): StoreToTry => {
  const time = createTestTime();
  const metered = createMeteredStore(tables, { ...time, queueing: true });
  const impatient = createMeteredStore(tables, { ...time, queueing: true, budget: IMPATIENT_MS });
  const hot = new Set<AccountId>();
  const store: StoreToTry['store'] = {
    ...metered.store,
    execute: (request) =>
      (hot.has(request.command.accountId) ? impatient : metered).store.execute(request),
  };
  return {
    store,
    heat: async (accountId) => {
      // Two in one commit, just now: that is what makes an account hot.
      await metered.store.executeTogether(accountId, [
        requests.deposit(accountId, 1),
        requests.deposit(accountId, 1),
      ]);
      hot.add(accountId);
    },
    throttle: () => {
      metered.inject(async (operation, send) => {
        if (operation === 'Query' || operation === 'GetItem') return send();
        throw Object.assign(new Error('too fast'), { name: 'ThrottlingException' });
      });
      return () => metered.inject(undefined);
    },
  };
};

describe('the store on tables, as every store,', () => {
  behavesAsAStore(() => createStoreToTry(database));
});
