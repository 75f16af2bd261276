import { fileName } from './repo-path.ts';

/** How many names a message lists. */
const mostNames = 12;
const mostClose = 5;
/** Characters that a name must share with another to be taken for it. */
const leastShared = 3;

export function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(', ');
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}

/** Paths that a person may have meant: those whose names share the longest run of characters with the wanted one. */
export function closeNames(paths: readonly string[], wanted: string): string[] {
  const parts = stem(wanted).split(/[*?]+/);
  return paths
    .map((path) => ({ path, shared: Math.max(...parts.map((part) => longestShared(stem(path), part))) }))
    .filter(({ shared }) => shared >= leastShared)
    .sort((a, b) => b.shared - a.shared)
    .slice(0, mostClose)
    .map(({ path }) => path);
}

function stem(path: string): string {
  return fileName(path)
    .toLowerCase()
    .replace(/\.[a-z]+$/, '');
}

/** The length of the longest run of characters that is in both. */
function longestShared(a: string, b: string): number {
  let longest = 0;
  let above: number[] = [];
  for (const one of a) {
    const row = Array.from(b, (other, i) => (one === other ? (above[i - 1] ?? 0) + 1 : 0));
    longest = Math.max(longest, ...row);
    above = row;
  }
  return longest;
}
