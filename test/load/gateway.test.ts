import { describe, expect, it } from 'vitest';
import { loadGateway } from './gateway-load.ts';

describe('a gateway that many ask at once', () => {
  it('answers all of them, takes a bounded memory and keeps nothing', { timeout: 120_000 }, async () => {
    const figures = await loadGateway({ requests: 1000, streams: 100, clients: 16, unread: 4 });
    expect(figures.wrong).toEqual([]);
    expect(figures.outcomes).toEqual({
      answered: 700,
      streamed: 100,
      left: 100,
      refused: 50,
      'broken off': 50,
    });
    expect(figures.open.underway).toBe(100);
    expect(figures.left).toMatchObject({ underway: 0, connections: 0 });
    // Of 64 that there are to be read.
    expect(figures.ahead).toBeLessThan(16);
    expect(Math.max(...Object.values(figures.memory))).toBeLessThan(384);
    expect(figures.complaints).toEqual([]);
  });
});
