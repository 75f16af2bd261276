import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, isOlder } from './resource-version.ts';

describe('resource versions', () => {
  it('are ordered as the integers that they are, beyond what a number holds', () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 80n });
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareVersions(String(a), String(b)) ?? Number.NaN)).toBe(
          a < b ? -1 : a > b ? 1 : 0,
        );
        expect(isOlder(String(a), String(b))).toBe(a < b);
      }),
    );
    expect(isOlder('9', '10')).toBe(true);
  });

  it.each(['', '0', '01', '-1', '1.5', 'abc'])('are not compared with what is none: "%s"', (other) => {
    expect(compareVersions('5', other)).toBeUndefined();
    expect(compareVersions(other, '5')).toBeUndefined();
    expect(isOlder(other, '5') || isOlder('5', other)).toBe(false);
  });
});
