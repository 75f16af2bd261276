import type { Clock } from '../progress/progress.ts';

/** How fast one connection is. */
export interface Paced {
  received(bytes: number): void;
  end(): void;
}

/** Tells of connections that are far slower than the others of the same pull, as when one server of many is ill. */
export interface Pace {
  /** @param tooSlow Is called at most once. */
  start(tooSlow: () => void): Paced;
}

/** Over such a time a rate is looked at. */
const windowMs = 5_000;
const farSlower = 0.1;
/** So many rates are remembered, and so few say nothing. */
const mostRates = 16;
const fewestRates = 3;
/** Bytes per millisecond below which a connection counts as dead, whatever the others do, after some time. */
const deadRate = 1;
const deadMs = 15_000;

interface Connection {
  readonly begun: number;
  total: number;
  since: number;
  bytes: number;
  readonly tooSlow: () => void;
}

export function watchPace(now: Clock): Pace {
  const rates: number[] = [];
  const connections = new Set<Connection>();

  function remember(rate: number): void {
    rates.push(rate);
    if (rates.length > mostRates) rates.shift();
  }

  /** Whoever receives bytes looks at all the others too: one that brings nothing cannot. */
  function look(): void {
    const time = now();
    for (const each of connections) {
      const elapsed = time - each.since;
      if (elapsed < windowMs) continue;
      const rate = each.bytes / elapsed;
      const dead = time - each.begun >= deadMs && each.total / (time - each.begun) < deadRate;
      if (dead || (rates.length >= fewestRates && rate < median(rates) * farSlower)) {
        connections.delete(each);
        each.tooSlow();
        continue;
      }
      remember(rate);
      each.since = time;
      each.bytes = 0;
    }
  }

  return {
    start(tooSlow) {
      const connection: Connection = { begun: now(), total: 0, since: now(), bytes: 0, tooSlow };
      connections.add(connection);
      return {
        received(bytes) {
          connection.total += bytes;
          connection.bytes += bytes;
          look();
        },
        end() {
          if (!connections.delete(connection)) return;
          const elapsed = now() - connection.begun;
          if (elapsed > 0 && connection.total > 0) remember(connection.total / elapsed);
        },
      };
    },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
