import { describe, expect, it } from 'vitest';
import { adaptConcurrency, type Concurrency } from './concurrency.ts';

/** Runs a link for a time in steps of 20 ms. @param rate Bytes per millisecond that so many connections bring. */
function link(rate: (connections: number, at: number) => number) {
  let time = 0;
  const concurrency = adaptConcurrency({ first: 4, most: 32 }, () => time);
  const seen: number[] = [];
  return {
    concurrency,
    seen,
    run(ms: number, each: (concurrency: Concurrency) => void = () => {}) {
      for (const end = time + ms; time < end; time += 20) {
        const { target } = concurrency;
        concurrency.delivering(target);
        concurrency.received(20 * rate(target, time));
        each(concurrency);
        if (seen.at(-1) !== concurrency.target) seen.push(concurrency.target);
      }
    },
  };
}

const capped = (perConnection: number) => (connections: number) => connections * perConnection;

describe('the number of connections', () => {
  it('doubles within two seconds to the most where every connection is capped', () => {
    const linked = link(capped(20_000));
    linked.run(2_000);
    expect(linked.seen).toEqual([4, 8, 16, 32]);
  });

  it('stays where it began on a link that few connections fill, and looks again now and then', () => {
    const linked = link(() => 700_000);
    linked.run(4_000);
    expect(linked.seen).toEqual([4, 8, 4]);
    linked.run(60_000);
    expect(new Set(linked.seen)).toEqual(new Set([4, 6, 8]));
    expect(linked.concurrency.target).toBeLessThanOrEqual(6);
  });

  it('ends where the link does', () => {
    const linked = link((connections) => Math.min(connections * 20_000, 240_000));
    linked.run(30_000);
    expect(linked.concurrency.target).toBeGreaterThanOrEqual(12);
    expect(linked.concurrency.target).toBeLessThanOrEqual(18);
  });

  it('is halved once by refusals that come together, and grows again slowly', () => {
    const linked = link(capped(20_000));
    linked.run(3_000);
    for (let i = 0; i < 32; i++) linked.concurrency.refused();
    expect(linked.concurrency.target).toBe(16);
    linked.run(900, (each) => each.refused());
    expect(linked.concurrency.target).toBe(16);
    linked.run(200, (each) => each.refused());
    expect(linked.concurrency.target).toBe(8);
    linked.seen.length = 0;
    linked.run(30_000);
    expect(linked.seen.slice(0, 4)).toEqual([8, 10, 12, 14]);
  });

  it('never falls below one', () => {
    const linked = link(capped(1));
    linked.run(30_000, (each) => each.refused());
    expect(linked.concurrency.target).toBe(1);
  });

  it('is halved where the throughput of a crowd collapses, as under a throttle', () => {
    const linked = link((connections, at) => (at < 5_000 ? connections * 20_000 : 1_000));
    linked.run(4_000);
    expect(linked.concurrency.target).toBe(32);
    linked.run(20_000);
    expect(linked.concurrency.target).toBeLessThan(32);
  });

  it('is not judged before all connections deliver', () => {
    let time = 0;
    const concurrency = adaptConcurrency({ first: 4, most: 32 }, () => time);
    for (; time < 10_000; time += 100) {
      concurrency.delivering(3);
      concurrency.received(1_000);
    }
    expect(concurrency.target).toBe(4);
  });
});
