import { describe, expect, it } from 'vitest';
import { progressLine } from './bar.ts';

const amounts = {
  percent: 42,
  downloadedBytes: 106_000_000,
  totalBytes: 253_000_000,
  bytesPerSecond: 54_000_000,
  secondsLeft: 3,
};

describe('progressLine', () => {
  it('says all of it where there is room', () => {
    expect(progressLine('Pulling', amounts, 120)).toBe(
      `Pulling ${'━'.repeat(17)}${'─'.repeat(23)}  42%  106MB/253MB  54MB/s  3s left`,
    );
  });

  it('leaves out what there is no room for: the time, the rate, the bytes, the bar', () => {
    expect(progressLine('Pulling', amounts, 50)).toMatch(
      /^Pulling [━─]{10,} {2}42% {2}106MB\/253MB {2}54MB\/s$/,
    );
    expect(progressLine('Pulling', amounts, 40)).toMatch(/^Pulling [━─]{10,} {2}42% {2}106MB\/253MB$/);
    expect(progressLine('Pulling', amounts, 30)).toMatch(/^Pulling [━─]{10,} {2}42%$/);
    expect(progressLine('Pulling', amounts, 20)).toBe('Pulling  42%');
    expect(progressLine('Pulling', amounts, 8)).toBe('Pulling');
  });

  it('never fills the last column, whatever the width', () => {
    for (let columns = 1; columns <= 200; columns += 1) {
      expect(progressLine('Verifying', amounts, columns).length).toBeLessThan(columns);
    }
  });

  it('has an empty bar at 0 and a full one at 100', () => {
    expect(progressLine('Loading', { percent: 0 }, 80)).toContain(` ${'─'.repeat(40)}   0%`);
    expect(progressLine('Loading', { percent: 100 }, 80)).toContain(` ${'━'.repeat(40)} 100%`);
  });
});
