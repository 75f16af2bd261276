import { describe, expect, it } from 'vitest';
import { shareConnections, type Slot } from './budget.ts';
import type { Concurrency } from './concurrency.ts';

const never = new AbortController().signal;

function fixed(target: number): Concurrency & { target: number; seen: number[] } {
  const seen: number[] = [];
  return {
    target,
    most: target,
    seen,
    delivering: (connections) => seen.push(connections),
    received: () => {},
    refused() {
      this.target = 1;
    },
  };
}

/** Says in which order those who wait get a slot. */
function watch() {
  const got: string[] = [];
  const slots = new Map<string, Slot>();
  return {
    got,
    slots,
    wait: async (name: string, slot: Promise<Slot>): Promise<void> => {
      slots.set(name, await slot);
      got.push(name);
    },
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the connections of a pull', () => {
  it('are given to earlier files first, and no more than there may be', async () => {
    const budget = shareConnections(fixed(1));
    const { got, slots, wait } = watch();
    void wait('second', budget.acquire(2, never));
    void wait('third', budget.acquire(3, never));
    void wait('first', budget.acquire(1, never));
    await settle();
    expect(got).toEqual(['second']);
    slots.get('second')!.release();
    slots.get('second')!.release();
    await settle();
    expect(got).toEqual(['second', 'first']);
    slots.get('first')!.release();
    await settle();
    expect(got).toEqual(['second', 'first', 'third']);
  });

  it('are given when there may be more', async () => {
    const concurrency = fixed(1);
    const budget = shareConnections(concurrency);
    const { got, wait } = watch();
    void wait('a', budget.acquire(1, never));
    void wait('b', budget.acquire(1, never));
    await settle();
    concurrency.target = 2;
    budget.received(1);
    await settle();
    expect(got).toEqual(['a', 'b']);
  });

  it('are not given while the source wants rest', async () => {
    const budget = shareConnections(fixed(4));
    const rest = Promise.withResolvers<void>();
    budget.refused(rest.promise);
    const { got, wait } = watch();
    void wait('a', budget.acquire(1, never));
    await settle();
    expect(got).toEqual([]);
    rest.resolve();
    await settle();
    expect(got).toEqual(['a']);
  });

  it('are not given to those who went', async () => {
    const budget = shareConnections(fixed(1));
    const slot = await budget.acquire(1, never);
    const leaving = new AbortController();
    const gone = budget.acquire(1, leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    const next = budget.acquire(2, never);
    slot.release();
    await expect(next).resolves.toBeDefined();
  });

  it('are counted while they deliver', async () => {
    const concurrency = fixed(2);
    const budget = shareConnections(concurrency);
    const first = await budget.acquire(1, never);
    first.delivering();
    first.delivering();
    first.release();
    (await budget.acquire(1, never)).delivering();
    (await budget.acquire(1, never)).delivering();
    expect(concurrency.seen).toEqual([1, 1, 2]);
  });
});
