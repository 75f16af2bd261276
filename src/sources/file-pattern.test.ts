import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPattern, matchesPattern } from './file-pattern.ts';

/** What fnmatch means, by trying every run of characters for every `*`. */
function naive(pattern: string, path: string): boolean {
  if (pattern === '') return path === '';
  const [one, rest] = [pattern[0]!, pattern.slice(1)];
  if (one === '*')
    return Array.from({ length: path.length + 1 }, (_, i) => path.slice(i)).some((end) => naive(rest, end));
  return path !== '' && (one === '?' || one === path[0]) && naive(rest, path.slice(1));
}

describe('a pattern', () => {
  it.each([
    ['*', 'a/b/c.gguf', true],
    ['*.gguf', 'Q8_0/m.gguf', true],
    ['*Q8_0*', 'Q8_0/m-00001-of-00002.gguf', true],
    ['m-Q?_0.gguf', 'm-Q8_0.gguf', true],
    ['m-Q?_0.gguf', 'm-Q_0.gguf', false],
    ['?', '🚢', true],
    ['*.GGUF', 'm.gguf', false],
    ['a.gguf', 'abgguf', false],
    ['a', 'ab', false],
    ['a*', '', false],
  ])('%s on %s is %s', (pattern, path, matches) => {
    expect(matchesPattern(pattern, path)).toBe(matches);
  });

  it('matches as one that tries everything does', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?'), maxLength: 8 });
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, path, (pattern, path) => {
        expect(matchesPattern(pattern, path)).toBe(naive(pattern, path));
      }),
      { numRuns: 2_000 },
    );
  });

  it('that a regular expression would try for ages takes no time', () => {
    const started = performance.now();
    expect(matchesPattern('*a'.repeat(60) + 'b', 'a'.repeat(256))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('is told from a name', () => {
    expect(['a*', 'a?', 'a'].map(isPattern)).toEqual([true, true, false]);
  });
});
