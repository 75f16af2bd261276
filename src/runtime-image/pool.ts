import { QueueFull } from './engine.ts';

/** Hands out a fixed set of items, first come, first served. */
export interface Pool<Item> {
  /**
   * An item of one's own until `release`.
   * @param preference among idle items the one with the highest score is taken
   * @throws the signal's reason when it is aborted before there is an item
   */
  acquire(signal: AbortSignal, preference: (item: Item) => number): Promise<Item>;
  release(item: Item): void;
  /** Throws QueueFull when `acquire` would wait behind too many others. */
  ensureRoom(): void;
  readonly waiting: () => number;
  readonly busy: () => number;
}

/** @param maxWaiting how many may wait before ensureRoom throws */
export function createPool<Item>(items: readonly Item[], maxWaiting: number): Pool<Item> {
  const idle = new Set(items);
  const queue = new Set<(item: Item) => void>();
  return {
    async acquire(signal, preference) {
      signal.throwIfAborted();
      const best = [...idle]
        .map((item) => ({ item, score: preference(item) }))
        .reduce<{ item: Item; score: number } | undefined>(
          (best, one) => (best && best.score >= one.score ? best : one),
          undefined,
        );
      if (best) {
        idle.delete(best.item);
        return best.item;
      }
      return await new Promise<Item>((resolve, reject) => {
        const leave = () => {
          queue.delete(take);
          const reason: unknown = signal.reason;
          reject(reason instanceof Error ? reason : new Error(String(reason)));
        };
        const take = (item: Item) => {
          signal.removeEventListener('abort', leave);
          resolve(item);
        };
        queue.add(take);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    release(item) {
      const [next] = queue;
      if (next) {
        queue.delete(next);
        next(item);
      } else {
        idle.add(item);
      }
    },
    ensureRoom() {
      if (idle.size === 0 && queue.size >= maxWaiting) throw new QueueFull(queue.size);
    },
    waiting: () => queue.size,
    busy: () => items.length - idle.size,
  };
}
