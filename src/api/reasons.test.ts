import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reasons } from './reasons.ts';

const src = join(import.meta.dirname, '..');

/** What the product says, its tests and the table itself left out. */
async function sources(): Promise<string> {
  const files = await readdir(src, { recursive: true });
  const spoken = files.filter(
    (file) =>
      file.endsWith('.ts') && !file.endsWith('.test.ts') && !/node_modules|api.reasons\.ts$/.test(file),
  );
  return (await Promise.all(spoken.map((file) => readFile(join(src, file), 'utf8')))).join('\n');
}

describe('every reason', () => {
  it('is used', async () => {
    const text = await sources();
    const unused = Object.keys(reasons).filter((reason) => !text.includes(`'${reason}'`));
    expect(unused).toEqual([]);
  });

  it.for(Object.entries(reasons))(
    '%s is one word in CamelCase, with a meaning and something to do',
    ([name, text]) => {
      expect(name).toMatch(/^[A-Z][A-Za-z]{3,40}$/);
      expect(text.meaning).toMatch(/^[A-Z].*\.$/);
      expect(text.action).toMatch(/^[A-Z].*\.$/);
    },
  );

  it('is in the table of the docs, which is generated', async () => {
    const table = await readFile(join(src, '../docs/reference/reasons.md'), 'utf8');
    expect(table).toContain('Generated from src/api/reasons.ts');
    const missing = Object.entries(reasons).filter(
      ([name, { meaning, action }]) =>
        !new RegExp(`^\\| \`${name}\` \\| .+ \\| `, 'm').test(table) ||
        !table.includes(`${meaning} | ${action} |`),
    );
    expect(missing).toEqual([]);
    expect(table.match(/^\| `/gm)).toHaveLength(Object.keys(reasons).length);
  });
});
