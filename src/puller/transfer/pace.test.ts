import { describe, expect, it } from 'vitest';
import { watchPace } from './pace.ts';

/** Connections with so many bytes a second each, for a time. @returns those that were told to be too slow. */
function run(bytesPerSecond: Record<string, number>, seconds: number): string[] {
  let time = 0;
  const slow: string[] = [];
  const pace = watchPace(() => time);
  const connections = Object.entries(bytesPerSecond).map(([name, rate]) => ({
    rate,
    paced: pace.start(() => slow.push(name)),
  }));
  for (; time < seconds * 1000; time += 500) {
    for (const { rate, paced } of connections) if (rate > 0) paced.received(rate / 2);
  }
  return slow;
}

describe('a connection', () => {
  it('that is far slower than the others is told so, once', () => {
    expect(run({ a: 20e6, b: 19e6, c: 21e6, slow: 1e6 }, 30)).toEqual(['slow']);
  });

  it('that brings nothing at all is noticed by the others', () => {
    expect(run({ a: 20e6, b: 19e6, c: 21e6, silent: 0 }, 30)).toEqual(['silent']);
  });

  it('that is slower, but not far, is left alone', () => {
    expect(run({ a: 20e6, b: 19e6, c: 21e6, slower: 4e6 }, 30)).toEqual([]);
  });

  it('is left alone where all are slow', () => {
    expect(run({ a: 2e3, b: 2e3, c: 2e3 }, 60)).toEqual([]);
  });

  it('that is alone is compared with what there was before', () => {
    let time = 0;
    let slow = 0;
    const pace = watchPace(() => time);
    for (let i = 0; i < 3; i++) {
      const paced = pace.start(() => {});
      time += 1_000;
      paced.received(20e6);
      paced.end();
    }
    const trickle = pace.start(() => (slow += 1));
    for (let i = 0; i < 20; i++) {
      time += 500;
      trickle.received(1_000);
    }
    expect(slow).toBe(1);
  });

  it('that trickles counts as dead, whatever the others do', () => {
    expect(run({ only: 600 }, 14)).toEqual([]);
    expect(run({ only: 600 }, 20)).toEqual(['only']);
  });
});
