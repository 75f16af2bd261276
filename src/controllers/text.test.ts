import { describe, expect, it } from 'vitest';
import { condense, formatBytes, formatDuration, shortRevision } from './text.ts';

describe('formatBytes', () => {
  it.for([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [999_499, '999kB'],
    [999_500, '1MB'],
    [253_113_024, '253MB'],
    [999_600_000, '1.0GB'],
    [4_700_000_000, '4.7GB'],
    [99_949_000_000, '99.9GB'],
    [99_950_000_000, '100GB'],
    [1_200_000_000_000, '1.2TB'],
    [5e18, '5000PB'],
  ] as const)('writes %d as %s', ([bytes, text]) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.for([
    [-1, '0s'],
    [0, '0s'],
    [0.2, '1s'],
    [45, '45s'],
    [59.5, '1m00s'],
    [190, '3m10s'],
    [3599.1, '1h00m'],
    [7500, '2h05m'],
    [360_000, '100h00m'],
  ] as const)('writes %d seconds as %s', ([seconds, text]) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('shortRevision', () => {
  it.for([
    ['0123456789abcdef0123456789abcdef01234567', '0123456789ab'],
    [`sha256:${'fedcba98'.repeat(8)}`, 'fedcba98fedc'],
  ] as const)('of %s is %s', ([revision, short]) => {
    expect(shortRevision(revision)).toBe(short);
  });
});

describe('condense', () => {
  it('puts what others wrote on one line', () => {
    expect(condense('  a\n\tb   c\r\n')).toBe('a b c');
  });

  it('cuts it at 500 characters and shows that', () => {
    expect(condense('x'.repeat(500))).toHaveLength(500);
    const cut = condense('x'.repeat(501));
    expect(cut).toHaveLength(500);
    expect(cut.endsWith('…')).toBe(true);
  });
});
