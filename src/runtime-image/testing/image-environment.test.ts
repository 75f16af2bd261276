import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { imageEnvironment } from './image-environment.ts';

it('is that of the Dockerfile', async () => {
  const dockerfile = await readFile(join(import.meta.dirname, '..', 'Dockerfile'), 'utf8');
  const [, block] = /^ENV (HOME=(?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
  const set = block?.split(/\s*\\\n\s*/).map((pair) => pair.split('='));
  expect(Object.fromEntries(set ?? [])).toEqual(imageEnvironment);
});
