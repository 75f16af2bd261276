import { inject } from 'vitest';
import { run } from '../cluster/commands.ts';

/**
 * What `kubectl get` shows, which is the API server's Table: each row by the headings of its columns, an empty cell as ''.
 * `width` is that of the widest line.
 */
export async function kubectlGet(
  ...args: readonly string[]
): Promise<{ headings: string[]; rows: Record<string, string>[]; width: number }> {
  const shown = await run(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), 'get', ...args]);
  const [heading = '', ...lines] = shown.trimEnd().split('\n');
  const columns = Array.from(heading.matchAll(/\S+\s*/g), ({ 0: cell, index }) => ({
    name: cell.trim(),
    from: index,
    to: index + cell.length,
  }));
  const last = columns.at(-1);
  if (last) last.to = Infinity;
  return {
    headings: columns.map(({ name }) => name),
    rows: lines.map((line) =>
      Object.fromEntries(columns.map(({ name, from, to }) => [name, line.slice(from, to).trim()])),
    ),
    width: Math.max(...[heading, ...lines].map((line) => line.trimEnd().length)),
  };
}
