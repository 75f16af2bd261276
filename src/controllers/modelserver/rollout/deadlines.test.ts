import { describe, expect, it } from 'vitest';
import { loadSeconds, progressSeconds, terminationSeconds } from './deadlines.ts';

const gigabyte = 1_000_000_000;

describe('deadlines', () => {
  it.for([
    [0, 300],
    [1, 320],
    [5, 400],
    [100, 2300],
  ] as const)('let %i GB load for %i s', ([gigabytes, seconds]) => {
    expect(loadSeconds(gigabytes * gigabyte)).toBe(seconds);
  });

  it('let a rollout stand still for a node, an image, the answers of old pods and a load', () => {
    expect(progressSeconds({ gracePeriod: '5m' }, 5 * gigabyte)).toBe(600 + 300 + 400);
    expect(progressSeconds({ gracePeriod: '0s' }, 5 * gigabyte)).toBe(600 + 400);
  });

  it('let it stand still as long as the spec says', () => {
    expect(progressSeconds({ gracePeriod: '5m', progressDeadline: '1h30m' }, 5 * gigabyte)).toBe(5400);
  });

  it('leave a pod more time to end than it takes for its answers', () => {
    expect(terminationSeconds({ gracePeriod: '2m' })).toBe(130);
  });
});
