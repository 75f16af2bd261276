import { expect, it } from 'vitest';
import { formatAge, table } from './table.ts';

it('a table has its columns below each other, and nothing behind the last', () => {
  const columns = [
    { header: 'NAME', of: (row: { name: string }) => row.name },
    { header: 'SERVERS', of: () => undefined },
  ];
  expect(table(columns, [{ name: 'qwen3-8b' }, { name: 'm' }])).toBe('NAME       SERVERS\nqwen3-8b\nm');
});

it.for([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [185, '3m5s'],
  [60 * 45, '45m'],
  [3600 * 3, '3h'],
  [3600 * 5 + 120, '5h2m'],
  [3600 * 30, '30h'],
  [86_400 * 3 + 7200, '3d2h'],
  [86_400 * 100, '100d'],
  [86_400 * 800, '2y'],
] as const)('an age of %d s reads %s, as kubectl writes it', ([seconds, text]) => {
  const now = new Date('2026-01-01T00:00:00Z');
  expect(formatAge(new Date(now.getTime() - seconds * 1000).toISOString(), now)).toBe(text);
});
