import { describe, expect, it } from 'vitest';
import type { Waiting } from './engine.ts';
import { createPool } from './pool.ts';

const by = (client: string, signal = new AbortController().signal): Waiting => ({ signal, client });
const somebody = by('somebody');
const noPreference = () => 0;

describe('createPool', () => {
  it('hands out the idle item with the highest score', async () => {
    const pool = createPool(['a', 'bbb', 'cc'], 9);
    expect(await pool.acquire(somebody, (item) => item.length)).toBe('bbb');
    expect(await pool.acquire(somebody, (item) => item.length)).toBe('cc');
    expect(pool.busy()).toBe(2);
  });

  it('hands out the longest idle of equals', async () => {
    const pool = createPool(['a', 'b'], 9);
    const first = await pool.acquire(somebody, noPreference);
    pool.release(first);
    expect(await pool.acquire(somebody, noPreference)).not.toBe(first);
  });

  /** Who is served in which order, when all of them wait. */
  async function order(clients: string[]): Promise<string[]> {
    const pool = createPool(['only'], 9);
    await pool.acquire(somebody, noPreference);
    const served: string[] = [];
    const waiters = clients.map(async (client) => {
      const item = await pool.acquire(by(client.charAt(0)), noPreference);
      served.push(client);
      pool.release(item);
    });
    expect(pool.waiting()).toBe(clients.length);
    pool.release('only');
    await Promise.all(waiters);
    expect([pool.busy(), pool.waiting()]).toEqual([0, 0]);
    return served;
  }

  it('serves a client in the order it came', async () => {
    expect(await order(['a1', 'a2', 'a3'])).toEqual(['a1', 'a2', 'a3']);
  });

  it('lets clients take turns, however many requests one of them has', async () => {
    expect(await order(['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'])).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'b2',
      'a3',
      'a4',
    ]);
  });

  it('forgets a waiter who gave up', async () => {
    const pool = createPool(['only'], 9);
    await pool.acquire(somebody, noPreference);
    const gone = new AbortController();
    const first = pool.acquire(by('a', gone.signal), noPreference);
    const second = pool.acquire(by('b'), noPreference);
    gone.abort(new Error('client is gone'));
    await expect(first).rejects.toThrow('client is gone');
    expect(pool.waiting()).toBe(1);
    pool.release('only');
    await expect(second).resolves.toBe('only');
  });

  it('does not serve a request that was aborted before it came', async () => {
    const pool = createPool(['only'], 9);
    const late = by('a', AbortSignal.abort(new Error('late')));
    await expect(pool.acquire(late, noPreference)).rejects.toThrow('late');
    expect(pool.busy()).toBe(0);
  });

  it('says when too many wait, and lets nobody in beyond them', async () => {
    const pool = createPool(['only'], 1);
    await pool.acquire(somebody, noPreference);
    expect(() => pool.ensureRoom()).not.toThrow();
    const waiter = pool.acquire(somebody, noPreference);
    expect(() => pool.ensureRoom()).toThrow('1 requests are waiting');
    await expect(pool.acquire(by('another'), noPreference)).rejects.toThrow('1 requests are waiting');
    pool.release('only');
    await waiter;
  });
});
