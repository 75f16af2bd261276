import type { Clock } from '../progress/progress.ts';

export interface Connections {
  /** With so many a pull begins. */
  readonly first: number;
  readonly most: number;
}

export const defaultConnections: Connections = { first: 2, most: 32 };

/**
 * How many connections a pull has. It begins with few and doubles them while that brings clearly more; links without a
 * cap for each connection stay where they began. After that it tries two more now and then. Whoever serves and refuses,
 * or suddenly is far slower, gets half as many.
 */
export interface Concurrency {
  /** Connections there may be now. */
  readonly target: number;
  /** More there never will be. */
  readonly most: number;
  /** So many connections are bringing bytes now. */
  delivering(connections: number): void;
  received(bytes: number): void;
  /** The source turned a request away for want of room: 429, 503, and whatever else it refuses only to a crowd. */
  refused(): void;
}

/** From the moment that all connections of a new number deliver: long against a round trip, short against a pull. */
const windowMs = 400;
/** Between two looks once the number has been found. */
const restMs = 5_000;
/** Twice the connections must bring so much more to be kept, and a few more connections this. */
const worthDoubling = 1.3;
const worthKeeping = 1.05;
const collapse = 0.5;
const step = 2;
/** Refusals that come together are one. */
const refusalMs = 1_000;

interface Level {
  readonly target: number;
  /** Bytes per millisecond. */
  readonly rate: number;
}

export function adaptConcurrency({ first, most }: Connections, now: Clock): Concurrency {
  let target = Math.min(first, most);
  let doubling = true;
  /** The best number known; undefined until one was measured. */
  let kept: Level | undefined;
  /** Since when all of them deliver; undefined while some do not yet. */
  let since: number | undefined;
  let bytes = 0;
  let refusedAt = -Infinity;

  function change(to: number): void {
    target = Math.max(1, Math.min(most, to));
    since = undefined;
  }

  function decide(rate: number): void {
    if (kept === undefined || target !== kept.target) {
      const wanted = kept === undefined ? 0 : kept.rate * (doubling ? worthDoubling : worthKeeping);
      if (kept !== undefined && target > kept.target && rate < wanted) {
        doubling = false;
        kept = { target: kept.target, rate: Math.max(kept.rate, rate) };
        change(kept.target);
        return;
      }
      kept = { target, rate };
      if (doubling && target < most) change(target * 2);
      else doubling = false;
      return;
    }
    if (rate < kept.rate * collapse) {
      kept = undefined;
      change(Math.floor(target / 2));
      return;
    }
    // What is usual drifts with the line.
    kept = { target, rate: (kept.rate + rate) / 2 };
    if (target < most) change(target + step);
  }

  return {
    most,
    get target() {
      return target;
    },
    delivering(connections) {
      if (since !== undefined || connections < target) return;
      since = now();
      bytes = 0;
    },
    received(more) {
      if (since === undefined) return;
      bytes += more;
      const elapsed = now() - since;
      const measuring = doubling || target !== kept?.target;
      if (elapsed < (measuring ? windowMs : restMs)) return;
      since = now();
      const rate = bytes / elapsed;
      bytes = 0;
      decide(rate);
    },
    refused() {
      if (now() - refusedAt < refusalMs) return;
      refusedAt = now();
      doubling = false;
      kept = undefined;
      change(Math.floor(target / 2));
    },
  };
}
