import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GpuNotUsable, llamaFor, whyNot } from './gpu.ts';

/** A container with these files. */
async function containerWith(...paths: string[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'longshore-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), '');
  }
  return root;
}

const mayUse = () => Promise.resolve(true);

describe('why CUDA has no GPU', () => {
  it('is that the node brings no driver', async () => {
    const root = await containerWith('usr/lib/x86_64-linux-gnu/libc.so.6');
    expect(await whyNot('cuda', { root, libraryPath: '', mayUse })).toContain('libcuda.so.1 is not in');
  });

  it.each([
    ['where the container toolkit has it', '/usr/lib/x86_64-linux-gnu'],
    ['where LD_LIBRARY_PATH has it', '/usr/local/nvidia/lib64'],
  ])('is the driver itself when there is one %s', async (_where, folder) => {
    const root = await containerWith(`${folder}/libcuda.so.1`);
    const libraryPath = '/usr/local/lib/cuda:/usr/local/nvidia/lib64';
    expect(await whyNot('cuda', { root, libraryPath, mayUse })).toContain('580 or later');
  });
});

describe('why Vulkan has no GPU', () => {
  it('is that the container was given no device', async () => {
    const root = await containerWith('dev/dri/card0');
    expect(await whyNot('vulkan', { root, libraryPath: '', mayUse })).toContain('device plugin');
  });

  it('is that the device is of another group', async () => {
    const root = await containerWith('dev/dri/renderD128');
    const { gid } = await stat(join(root, 'dev/dri/renderD128'));
    const mayNot = () => Promise.resolve(false);
    const told = await whyNot('vulkan', { root, libraryPath: '', mayUse: mayNot });
    expect(told).toContain(`group ${gid}: add that to spec.pod.supplementalGroups`);
  });

  it('is that no driver knows the device', async () => {
    const root = await containerWith('dev/dri/renderD128', 'dev/dri/renderD129');
    const seen = (path: string) => Promise.resolve(path.endsWith('renderD129'));
    expect(await whyNot('vulkan', { root, libraryPath: '', mayUse: seen })).toContain('know no GPU');
  });
});

describe('an image for GPUs', () => {
  // Outside of images only the build for CPUs is installed, so this is what an image without a driver comes to.
  it.each(['cuda', 'vulkan'] as const)('does not compute on the CPU instead: %s', async (variant) => {
    const starting = llamaFor(true, variant, { build: 'never', progressLogs: false });
    await expect(starting).rejects.toThrow(GpuNotUsable);
  });

  it('says that it is not for servers without one', async () => {
    await expect(llamaFor(false, 'cuda', { build: 'never' })).rejects.toThrow('image.runtime.cpu');
  });
});

it('an image for CPUs computes on them, also where a GPU was asked for', async () => {
  const llama = await llamaFor(true, 'cpu', { build: 'never' });
  onTestFinished(() => llama.dispose());
  expect(llama.gpu).toBe(false);
});
