import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { standard, standardRepos } from './content.ts';
import { notGguf, tinyGguf } from './gguf.ts';
import { startHub } from './hub.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function parse(file: Buffer) {
  const path = join(folder, 'model.gguf');
  await writeFile(path, file);
  return await gguf(path, { allowLocalFile: true });
}

describe('tinyGguf', () => {
  it('says what it was told to', async () => {
    const { metadata, tensorInfos } = await parse(
      tinyGguf({
        name: 'small',
        quantization: 'Q8_0',
        contextLength: 4096,
        metadata: { 'llama.rope.freq_base': 0.5 },
      }),
    );
    expect(metadata).toMatchObject({
      version: 3,
      'general.architecture': 'llama',
      'general.name': 'small',
      'general.file_type': 7,
      'llama.context_length': 4096,
      'llama.block_count': 2,
      'llama.rope.freq_base': 0.5,
    });
    expect(tensorInfos.map((tensor) => tensor.name)).toEqual(['token_embd.weight', 'output_norm.weight']);
  });

  it('ends exactly where its last tensor does', async () => {
    const file = tinyGguf({ quantization: 'Q4_K_M' });
    const { tensorInfos, tensorDataOffset } = await parse(file);
    expect(tensorInfos.map((tensor) => Number(tensor.offset))).toEqual([0, 32 * 144]);
    expect(file.byteLength).toBe(Number(tensorDataOffset) + 32 * 144 + 256 * 4);
  });

  it.each([8_000, 1_000_001, 3_000_000])('fills up to %d bytes', async (size) => {
    const file = tinyGguf({ size });
    const { tensorInfos, tensorDataOffset } = await parse(file);
    const filler = tensorInfos.at(-1);
    expect(file.byteLength).toBe(size);
    expect(Number(tensorDataOffset) + Number(filler?.offset) + Number(filler?.shape[0])).toBe(size);
  });

  it('is the same for the same options, and another for another seed', () => {
    expect(tinyGguf().equals(tinyGguf())).toBe(true);
    expect(tinyGguf({ seed: 9 }).equals(tinyGguf())).toBe(false);
  });

  it('refuses a size its header does not fit in', () => {
    expect(() => tinyGguf({ size: 100 })).toThrow('no room');
  });
});

describe('notGguf', () => {
  it('is refused by a reader', async () => {
    await expect(parse(notGguf(100_000))).rejects.toThrow('not a valid gguf file');
  });
});

describe('the standard repositories', () => {
  it('hold GGUF files whose type agrees with their name, readable in place', async () => {
    const hub = await startHub({ repos: standardRepos() });
    const { repo, file, other } = standard.twoQuants;
    const first = await gguf(`${hub.url}/${repo}/resolve/main/${file}`);
    const second = await gguf(`${hub.url}/${repo}/resolve/main/${other}`);
    expect(first.metadata).toMatchObject({ 'general.file_type': 15 });
    expect(second.metadata).toMatchObject({ 'general.file_type': 7 });
    await hub.close();
  });
});
