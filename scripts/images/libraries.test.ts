import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it as base } from 'vitest';
import { readElf } from './elf.ts';
import { readPrograms, unresolved, withDependencies } from './libraries.ts';
import { writeElf } from './testing/elf.ts';

const it = base.extend('folder', async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
  onCleanup(() => rm(folder, { recursive: true }));
  return folder;
});

describe('a library', () => {
  it('says which others it needs, and where it wants them looked for', async ({ folder }) => {
    const path = join(folder, 'a.so');
    await writeElf(path, { needed: ['libc.so.6', 'libb.so'], runpath: ['$ORIGIN', '/opt/lib'] });
    expect(await readElf(path)).toEqual({
      needed: ['libc.so.6', 'libb.so'],
      runpath: ['$ORIGIN', '/opt/lib'],
    });
  });

  it('is not every file', async ({ folder }) => {
    for (const [name, content] of [
      ['empty', ''],
      ['script', '#!/bin/sh\n'],
      ['long', 'x'.repeat(100)],
    ] as const) {
      await writeFile(join(folder, name), content);
      expect(await readElf(join(folder, name))).toBeUndefined();
    }
  });
});

describe('the programs of an image', () => {
  const given = ['libc.so.6'];

  it('find their libraries beside themselves, by LD_LIBRARY_PATH, and where all look', () => {
    const programs = new Map([
      [
        '/app/bins/addon.node',
        { needed: ['libggml.so', 'libc.so.6'], runpath: ['$ORIGIN', '$ORIGIN/../lib'] },
      ],
      ['/app/bins/libggml.so', { needed: ['libggml-base.so'], runpath: ['$ORIGIN/../lib'] }],
      ['/app/lib/libggml-base.so', { needed: ['libcudart.so.13', 'libvulkan.so.1'], runpath: [] }],
      ['/usr/local/lib/cuda/libcudart.so.13', { needed: ['libc.so.6'], runpath: [] }],
      ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', { needed: [], runpath: [] }],
    ]);
    expect(unresolved(programs, { given, libraryPath: ['/usr/local/lib/cuda'] })).toEqual([]);
    expect(unresolved(programs, { given, libraryPath: [] })).toEqual([
      '/app/lib/libggml-base.so: libcudart.so.13',
    ]);
  });

  it('do not find what is somewhere else, or nowhere', () => {
    const programs = new Map([
      ['/app/addon.node', { needed: ['libggml.so', 'libcuda.so.1'], runpath: [] }],
      ['/app/libggml.so', { needed: [], runpath: [] }],
    ]);
    expect(unresolved(programs, { given, libraryPath: [] })).toEqual([
      '/app/addon.node: libggml.so',
      '/app/addon.node: libcuda.so.1',
    ]);
  });

  it('are those of its files that are programs', async ({ folder }) => {
    await writeElf(join(folder, 'a.so'), { needed: ['libc.so.6'] });
    await writeFile(join(folder, 'a.js'), 'export {};');
    const files = new Map(['a.so', 'a.js'].map((name) => [`/app/${name}`, join(folder, name)]));
    expect([...(await readPrograms(files)).keys()]).toEqual(['/app/a.so']);
  });
});

describe('a driver', () => {
  it('is taken with all that it asks for in turn, and not with what is there already', async ({ folder }) => {
    await writeElf(join(folder, 'libdriver.so'), { needed: ['libllvm.so.1', 'libc.so.6'] });
    await writeElf(join(folder, 'libllvm.so.1.2'), { needed: ['libz.so', 'libdriver.so'] });
    await symlink('libllvm.so.1.2', join(folder, 'libllvm.so.1'));
    await writeElf(join(folder, 'libz.so'), {});
    await writeElf(join(folder, 'libother.so'), {});
    const taken = await withDependencies(['libdriver.so'], folder, ['libc.so.6']);
    expect(Object.fromEntries(taken)).toEqual({
      'libdriver.so': join(folder, 'libdriver.so'),
      'libllvm.so.1': join(folder, 'libllvm.so.1.2'),
      'libz.so': join(folder, 'libz.so'),
    });
  });

  it('is not taken without one of them', async ({ folder }) => {
    await writeElf(join(folder, 'libdriver.so'), { needed: ['libelf.so.1'] });
    await expect(withDependencies(['libdriver.so'], folder, [])).rejects.toThrow('libelf.so.1 is needed');
  });
});
