import { vi } from 'vitest';

/** How long a test waits for what the operator and the controllers do within a second or two on an idle machine. */
export const patienceMs = 25_000;

/** Tries until `check` does not throw, and answers what it answers; fails with what it threw last. */
export function eventually<T>(check: () => T | Promise<T>, timeout = patienceMs): Promise<T> {
  return vi.waitFor(check, { timeout, interval: 50 });
}
