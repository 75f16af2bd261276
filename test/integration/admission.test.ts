import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { it, type Written } from './admission-it.ts';

it('every example is accepted', async ({ apply }) => {
  const folder = join(import.meta.dirname, '../../examples');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const refused: string[] = [];
  for (const name of names.filter((each) => /\.ya?ml$/.test(each))) {
    for (const document of parseAllDocuments(await readFile(join(folder, name), 'utf8'))) {
      const object = document.toJS() as (Written & { apiVersion?: string }) | null;
      if (!object?.apiVersion?.startsWith('longshore.dev/')) continue;
      const { metadata, kind, spec } = object;
      const { accepted, message } = await apply({ kind, metadata: { name: metadata.name }, spec });
      if (!accepted) refused.push(`${name}: ${message}`);
    }
  }
  expect(refused).toEqual([]);
});
