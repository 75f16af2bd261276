import { describe, expect, it } from 'vitest';
import { createPool } from './pool.ts';

const forever = new AbortController().signal;
const noPreference = () => 0;

describe('createPool', () => {
  it('hands out the idle item with the highest score', async () => {
    const pool = createPool(['a', 'bbb', 'cc'], 9);
    expect(await pool.acquire(forever, (item) => item.length)).toBe('bbb');
    expect(await pool.acquire(forever, (item) => item.length)).toBe('cc');
    expect(pool.busy()).toBe(2);
  });

  it('serves those who wait in the order they came', async () => {
    const pool = createPool(['only'], 9);
    await pool.acquire(forever, noPreference);
    const served: number[] = [];
    const waiters = [1, 2, 3].map(async (id) => {
      const item = await pool.acquire(forever, noPreference);
      served.push(id);
      pool.release(item);
    });
    expect(pool.waiting()).toBe(3);
    pool.release('only');
    await Promise.all(waiters);
    expect(served).toEqual([1, 2, 3]);
    expect(pool.busy()).toBe(0);
  });

  it('forgets a waiter who gave up', async () => {
    const pool = createPool(['only'], 9);
    await pool.acquire(forever, noPreference);
    const gone = new AbortController();
    const first = pool.acquire(gone.signal, noPreference);
    const second = pool.acquire(forever, noPreference);
    gone.abort(new Error('client is gone'));
    await expect(first).rejects.toThrow('client is gone');
    pool.release('only');
    await expect(second).resolves.toBe('only');
  });

  it('does not serve a request that was aborted before it came', async () => {
    const pool = createPool(['only'], 9);
    await expect(pool.acquire(AbortSignal.abort(new Error('late')), noPreference)).rejects.toThrow('late');
    expect(pool.busy()).toBe(0);
  });

  it('says when too many wait', async () => {
    const pool = createPool(['only'], 1);
    await pool.acquire(forever, noPreference);
    expect(() => pool.ensureRoom()).not.toThrow();
    const waiter = pool.acquire(forever, noPreference);
    expect(() => pool.ensureRoom()).toThrow('1 requests are waiting');
    pool.release('only');
    await waiter;
  });
});
