import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cudaCode } from '../../src/runtime-image/cuda-code.ts';
import { kernelLibrary } from './cuda-kernels.ts';
import { unresolved } from './libraries.ts';
import { pinned, surroundingsOf, type Noted } from './resolved.ts';

describe.each(['cuda', 'vulkan'] as const)('the image for %s, as it was staged last', (variant) => {
  const noted = async () =>
    JSON.parse(await readFile(join(import.meta.dirname, `noted-${variant}.json`), 'utf8')) as Noted;

  it('was staged from what is pinned now; else: npm run images -- --note runtime-cuda runtime-vulkan', async () => {
    expect((await noted()).from).toBe(await pinned(variant, 'x64'));
  });

  it('has every library that its programs ask for', async () => {
    const programs = new Map(Object.entries((await noted()).programs));
    expect([...programs.keys()].join()).toContain(`libggml-${variant}.so`);
    expect(unresolved(programs, surroundingsOf(variant))).toEqual([]);
  });
});

it('nothing but the driver of NVIDIA comes from the node', async () => {
  const { programs } = JSON.parse(
    await readFile(join(import.meta.dirname, 'noted-cuda.json'), 'utf8'),
  ) as Noted;
  const surroundings = { ...surroundingsOf('cuda'), given: surroundingsOf('cpu').given };
  const folder = '/app/node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda';
  const backends = [...cudaCode.compiled.map(kernelLibrary), 'libggml-cuda.so'].toSorted();
  expect(unresolved(new Map(Object.entries(programs)), surroundings)).toEqual(
    backends.map((library) => `${folder}/${library}: libcuda.so.1`),
  );
});
