import type { Concurrency } from './concurrency.ts';

/** The right to have a connection. */
export interface Slot {
  /** The connection brings bytes from now on. */
  delivering(): void;
  /** Gives it back; what comes after the first time does nothing. */
  release(): void;
}

/** The connections of a pull, shared by all its files. */
export interface Budget {
  /** How many there may ever be. */
  readonly most: number;
  /**
   * Resolves when there is room.
   * @param order Whoever has the lowest gets it first.
   */
  acquire(order: number, signal: AbortSignal): Promise<Slot>;
  received(bytes: number): void;
  /** The source turned a request away. Nobody gets a connection before `rest` is over. */
  refused(rest?: Promise<void>): void;
}

interface Waiting {
  readonly order: number;
  readonly give: () => void;
}

export function shareConnections(concurrency: Concurrency): Budget {
  const waiting: Waiting[] = [];
  let taken = 0;
  let delivering = 0;
  let resting = 0;

  function give(): void {
    if (resting > 0) return;
    while (taken < concurrency.target && waiting.length > 0) {
      taken += 1;
      waiting.shift()!.give();
    }
  }

  function openSlot(): Slot {
    let delivers = false;
    let released = false;
    return {
      delivering() {
        if (delivers || released) return;
        delivers = true;
        delivering += 1;
        concurrency.delivering(delivering);
      },
      release() {
        if (released) return;
        released = true;
        taken -= 1;
        if (delivers) delivering -= 1;
        give();
      },
    };
  }

  return {
    most: concurrency.most,
    acquire(order, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Slot>();
      const leave = (): void => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      const entry: Waiting = {
        order,
        give() {
          signal.removeEventListener('abort', leave);
          resolve(openSlot());
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      const behind = waiting.findIndex((other) => other.order > order);
      waiting.splice(behind === -1 ? waiting.length : behind, 0, entry);
      give();
      return promise;
    },
    received(bytes) {
      concurrency.received(bytes);
      give();
    },
    refused(rest) {
      concurrency.refused();
      if (rest === undefined) return;
      resting += 1;
      const over = (): void => {
        resting -= 1;
        give();
      };
      rest.then(over, over);
    },
  };
}
