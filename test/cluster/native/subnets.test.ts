import { describe, expect, it } from 'vitest';
import { freeSubnets } from './subnets.ts';

const first = (inUse: string[]) => freeSubnets(inUse)[0]?.host;

describe('the subnet of a new cluster', () => {
  it('is the first of 198.18.0.0/15 on a machine with other networks', () => {
    expect(first(['default', '192.0.2.0/24', '127.0.0.0/8', '10.0.0.1'])).toBe('198.18.0.1');
  });

  it('goes past those that clusters have', () => {
    expect(first(['198.18.0.0/24', '198.18.0.1', '198.18.1.0/24'])).toBe('198.18.2.1');
  });

  it('overlaps neither a wider range nor a single address', () => {
    expect(first(['198.18.0.0/22', '198.18.4.77'])).toBe('198.18.5.1');
  });

  it('crosses into the second half, and there is none when all is taken', () => {
    expect(first(['198.18.0.0/16'])).toBe('198.19.0.1');
    expect(first(['198.18.0.0/15'])).toBeUndefined();
  });
});
