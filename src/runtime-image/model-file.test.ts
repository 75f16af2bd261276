import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headsByLayer } from '../../test/hub/loadable-gguf.ts';
import { readModelFile } from './model-file.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('the file of a model', () => {
  it('says what it is before it is loaded', async () => {
    const path = join(folder, 'tiny-Q8_0.gguf');
    const bytes = headsByLayer();
    await writeFile(path, bytes);
    const file = await readModelFile(path);
    expect(file.sizeBytes).toBe(bytes.length);
    expect(file.memory.weightsBytes).toBeGreaterThan(0);
    expect(file.metadata['general.architecture']).toBe(file.facts.architecture);
    expect(file).not.toHaveProperty('digest');
    expect(Date.now() - file.modifiedAt.getTime()).toBeLessThan(3_600_000);
  });

  it('has the digest that its blob is called by', async () => {
    const digest = 'ab'.repeat(32);
    await mkdir(join(folder, 'blobs'));
    await writeFile(join(folder, 'blobs', `sha256-${digest}`), headsByLayer());
    const link = join(folder, 'linked.gguf');
    await symlink(join('blobs', `sha256-${digest}`), link);
    expect((await readModelFile(link)).digest).toBe(digest);
  });

  it('is all of its pieces', async () => {
    const bytes = headsByLayer();
    for (const piece of ['1', '2']) await writeFile(join(folder, `split-0000${piece}-of-00002.gguf`), bytes);
    const { sizeBytes, tensors } = await readModelFile(join(folder, 'split-00001-of-00002.gguf'));
    const one = await readModelFile(join(folder, 'tiny-Q8_0.gguf'));
    expect(sizeBytes).toBe(2 * bytes.length);
    expect(tensors).toHaveLength(2 * one.tensors.length);
    const weights = ({ shape }: { shape: readonly number[] }) =>
      shape.reduce((product, length) => product * length, 1);
    expect(tensors.map(weights)).toEqual(tensors.map((tensor) => tensor.weights));
  });

  it('is refused where it is none', async () => {
    const path = join(folder, 'text.gguf');
    await writeFile(path, 'This is no model, and long enough to have a header.');
    await expect(readModelFile(path)).rejects.toThrow('does not begin with GGUF');
  });
});
