import { vi } from 'vitest';

/** How long a test waits for what takes a second or two on an idle machine. Only a test that fails waits so long. */
export const patienceMs = 45_000;

/** Tries until `check` does not throw, and answers what it answers; fails with what it threw last. */
export function eventually<T>(check: () => T | Promise<T>, timeout = patienceMs): Promise<T> {
  return vi.waitFor(check, { timeout, interval: 50 });
}
