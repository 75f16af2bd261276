import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../cluster/commands.ts';

it('npm run bench:runtime measures, and meets the targets that no machine decides', async () => {
  const printed = await run(process.execPath, [join(import.meta.dirname, 'runtime.ts'), '--check']);
  expect(printed).toMatch(/^\| tokens\/s, 2 streams together \| [\d.]+ \| [\d.]+ \|$/m);
  expect(printed).toMatch(/^met {5}memory without a model: \d+ of 150 MB$/m);
  expect(printed).not.toContain('MISSED');
}, 300_000);
