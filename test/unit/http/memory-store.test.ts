import { describe } from 'vitest';
import { behavesAsAStore } from '../../setup/behaviours-of-a-store.ts';
import { createMemoryStore } from './memory-store.ts';

describe('the store in memory, as every store,', () => {
  behavesAsAStore(() => {
    const store = createMemoryStore();
    return { store, heat: async (accountId) => store.heat(accountId), throttle: store.throttle };
  });
});
