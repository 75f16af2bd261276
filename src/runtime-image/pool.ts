import type { Waiting } from './engine.ts';
import { QueueFull } from './refusal.ts';

/** Hands out a fixed set of items. Clients that wait take turns; what one of them asks for comes first, first served. */
export interface Pool<Item> {
  /**
   * An item of one's own until `release`.
   * @param preference among idle items the one with the highest score is taken, among equals the longest idle
   * @throws the signal's reason when it is aborted before there is an item; QueueFull
   */
  acquire(waiting: Waiting, preference: (item: Item) => number): Promise<Item>;
  release(item: Item): void;
  /** Throws QueueFull when `acquire` would wait behind too many others. */
  ensureRoom(): void;
  readonly waiting: () => number;
  readonly busy: () => number;
}

type Take<Item> = (item: Item) => void;

/** @param maxWaiting how many may wait */
export function createPool<Item>(items: readonly Item[], maxWaiting: number): Pool<Item> {
  /** The longest idle first. */
  const idle = new Set(items);
  /** Those who wait, by client; the client whose turn it is first. */
  const lines = new Map<string, Set<Take<Item>>>();
  let waiting = 0;

  function join(client: string, take: Take<Item>): void {
    const line = lines.get(client) ?? new Set();
    lines.set(client, line.add(take));
    waiting++;
  }

  function leave(client: string, take: Take<Item>): void {
    const line = lines.get(client);
    if (!line?.delete(take)) return;
    if (line.size === 0) lines.delete(client);
    waiting--;
  }

  /** Takes the next out of the line; its client has had its turn. */
  function next(): Take<Item> | undefined {
    const [turn] = lines;
    if (!turn) return undefined;
    const [client, line] = turn;
    const [take] = line;
    if (!take) return undefined;
    leave(client, take);
    if (lines.delete(client)) lines.set(client, line);
    return take;
  }

  function ensureRoom(): void {
    if (idle.size === 0 && waiting >= maxWaiting) throw new QueueFull(waiting);
  }

  return {
    async acquire({ signal, client }, preference) {
      signal.throwIfAborted();
      const best = bestOf(idle, preference);
      if (best !== undefined) {
        idle.delete(best);
        return best;
      }
      ensureRoom();
      return await new Promise<Item>((resolve, reject) => {
        const giveUp = () => {
          leave(client, take);
          const reason: unknown = signal.reason;
          reject(reason instanceof Error ? reason : new Error(String(reason)));
        };
        const take = (item: Item) => {
          signal.removeEventListener('abort', giveUp);
          resolve(item);
        };
        join(client, take);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
    release(item) {
      const take = next();
      if (take) take(item);
      else idle.add(item);
    },
    ensureRoom,
    waiting: () => waiting,
    busy: () => items.length - idle.size,
  };
}

function bestOf<Item>(items: Iterable<Item>, preference: (item: Item) => number): Item | undefined {
  let best: { item: Item; score: number } | undefined;
  for (const item of items) {
    const score = preference(item);
    if (!best || score > best.score) best = { item, score };
  }
  return best?.item;
}
