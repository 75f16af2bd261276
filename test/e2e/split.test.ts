import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/controllers/kinds.ts';
import { tinyGguf } from '../hub/gguf.ts';
import { World } from './world.ts';

describe('a Model in several files', () => {
  const repo = 'longshore/split-gguf';
  let world: World;
  /** As pipelines do it, right after they have applied something. */
  const kubectlWait = () => world.kubectl(['wait', 'model/split', '--for=condition=Ready', '--timeout=120s']);
  /** Names and roles of the files. */
  const published = async () => {
    const { status } = await world.client.get(models, { namespace: world.namespace, name: 'split' });
    return status?.artifact?.files.map(({ path, role }) => [path, role]);
  };

  beforeAll(async () => {
    world = await World.start();
    const files: Record<string, Buffer> = {};
    for (const quantization of ['Q4_K_M', 'Q8_0'] as const) {
      for (const number of [0, 1, 2]) {
        const later = number > 0 && { 'general.architecture': '' };
        const metadata = { 'split.count': 3, 'split.no': number, ...later };
        const piece = tinyGguf({ seed: 60 + number, quantization, metadata });
        files[`split-${quantization}-0000${number + 1}-of-00003.gguf`] = piece;
      }
    }
    await world.hub.addRepo({ id: repo, files });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('is pulled whole, and `kubectl wait` sees that it is Ready', async () => {
    await world.applyModel('split', { huggingFace: { repo, quantization: 'Q4_K_M' } });
    await kubectlWait();
    expect(await published()).toEqual([
      ['split-Q4_K_M-00001-of-00003.gguf', 'model'],
      ['split-Q4_K_M-00002-of-00003.gguf', 'piece'],
      ['split-Q4_K_M-00003-of-00003.gguf', 'piece'],
    ]);
  });

  it('is not taken for Ready by `kubectl wait` while an edit is on its way', async () => {
    await world.applyModel('split', { huggingFace: { repo, quantization: 'Q8_0' } });
    await kubectlWait();
    expect((await published())?.map(([path]) => path)).toEqual([
      'split-Q8_0-00001-of-00003.gguf',
      'split-Q8_0-00002-of-00003.gguf',
      'split-Q8_0-00003-of-00003.gguf',
    ]);
  });
});
