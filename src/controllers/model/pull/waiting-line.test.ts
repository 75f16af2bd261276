import { describe, expect, it } from 'vitest';
import { WaitingLine } from './waiting-line.ts';

const line = (...entries: string[]): WaitingLine => {
  const made = new WaitingLine();
  for (const entry of entries) {
    const [since = '', key = ''] = entry.split(' ');
    made.join({ since, key });
  }
  return made;
};
const nobody: ReadonlySet<string> = new Set();

describe('a line', () => {
  it('is in the order in which its members began to wait, whoever comes when', () => {
    const made = line('2 ns/b', '3 ns/d', '1 ns/c', '2 ns/a');
    expect(made.first(9, nobody).map(({ key }) => key)).toEqual(['ns/c', 'ns/a', 'ns/b', 'ns/d']);
  });

  it('tells places, and who has them', () => {
    const made = line('1 ns/a', '2 ns/b', '3 ns/c');
    expect(['ns/a', 'ns/b', 'ns/c', 'ns/d'].map((key) => made.placeOf(key))).toEqual([1, 2, 3, 0]);
    expect([0, 1, 3, 4].map((place) => made.at(place)?.key)).toEqual([undefined, 'ns/a', 'ns/c', undefined]);
  });

  it('keeps the place of one that comes again, and closes up behind one that leaves', () => {
    const made = line('1 ns/a', '2 ns/b', '3 ns/c');
    expect(made.join({ key: 'ns/b', since: '9' })).toBe(2);
    expect(made.length).toBe(3);
    expect(made.leave('ns/a')).toBe(1);
    expect(made.leave('ns/a')).toBe(0);
    expect(made.placeOf('ns/c')).toBe(2);
    expect(made.join({ key: 'ns/a', since: '1' })).toBe(1);
  });

  it('passes over whom it is told to', () => {
    const made = line('1 ns/a', '2 ns/b', '3 ns/c');
    expect(made.first(2, new Set(['ns/a'])).map(({ key }) => key)).toEqual(['ns/b', 'ns/c']);
    expect(made.first(0, nobody)).toEqual([]);
  });
});
