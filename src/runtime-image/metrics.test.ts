import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { newState } from './state.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');

it('docs/metrics.md has every metric of a server, with its type', async () => {
  const text = await createMetrics(newState('gemma', new Date())).text();
  const shown = [...text.matchAll(/^# TYPE longshore_runtime_(\w+) (\w+)$/gm)]
    .map(([, name = '', type = '']) => [name, type])
    .filter(([name = '']) => !/^(process|nodejs)_/.test(name));
  const told = [...guide.matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)].map(([, name = '', type = '']) => [
    name,
    type,
  ]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(shown));
});
