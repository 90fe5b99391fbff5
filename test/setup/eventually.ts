import { vi } from 'vitest';

/**
 * How long a test waits for what has to come, in milliseconds: two shared cores may be busy, and
 * nobody waits where all is well.
 */
const PATIENCE_MS = 10_000;

/**
 * Checks until it holds. vitest gives up after a second unless told otherwise, which a busy machine
 * takes to start a worker.
 * @param check throws as long as it does not hold.
 * @param deadlineMs after which what it threw last is thrown.
 * @returns what it returned.
 */
export const eventually = <T>(check: () => T | Promise<T>, deadlineMs = PATIENCE_MS): Promise<T> =>
  vi.waitFor(check, { timeout: deadlineMs, interval: 10 });
