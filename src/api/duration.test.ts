import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.for([
    ['1h', 3600],
    ['90s', 90],
    ['1h30m', 5400],
    ['1h1m1s', 3661],
  ] as const)('has %s for %i seconds', ([text, seconds]) => {
    expect(parseDuration(text)).toBe(seconds);
  });
});
