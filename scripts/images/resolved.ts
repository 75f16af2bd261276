/** Whether an image has every library that its programs ask for, all but those that the node brings. */
import { createHash } from 'node:crypto';
import { glob } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Variant } from '../../src/protocols/runtime.ts';
import { cudaCode } from '../../src/runtime-image/cuda-code.ts';
import { cudaFolder, librariesOfDriver } from './cuda.ts';
import { kernelsHash } from './cuda-kernels.ts';
import type { ElfFile } from './elf.ts';
import {
  libraryNamesOfBase,
  readPrograms,
  unresolved,
  type Programs,
  type Surroundings,
} from './libraries.ts';
import { lockedPackage } from './npm-package.ts';
import { binariesOf, type Architecture } from './platform.ts';

export function surroundingsOf(variant: Variant | undefined): Surroundings {
  return {
    given: [...libraryNamesOfBase, ...(variant === 'cuda' ? librariesOfDriver : [])],
    libraryPath: variant === 'cuda' ? [cudaFolder] : [],
  };
}

/** What is in a staged context, by where the Dockerfiles put it. */
export async function programsIn(context: string): Promise<Programs> {
  const entries = await Array.fromAsync(glob('{app,root}/**', { cwd: context, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [`/${relative(context, file)}`.replace(/^\/root\//, '/'), file] as const);
  return await readPrograms(new Map([...files, ['/usr/local/bin/node', join(context, 'node')]]));
}

/**
 * The loader says which library is missing only when the image runs, on a node that has the GPU.
 * @throws Error that names each that would not be found
 */
export function ensureResolved(programs: Programs, variant: Variant | undefined): void {
  const missing = unresolved(programs, surroundingsOf(variant));
  if (missing.length > 0) throw new Error(`the image would lack libraries: ${missing.join(', ')}`);
}

/** What a test knows of an image that it would take too long to fetch: its programs as they were when it was staged. */
export interface Noted {
  /** What it was staged from, as it is pinned. */
  from: string;
  programs: Record<string, ElfFile>;
}

export async function noteOf(programs: Programs, variant: Variant): Promise<Noted> {
  const { given } = surroundingsOf(undefined);
  const entries = [...programs]
    .map(
      ([path, { needed, runpath }]) =>
        [path, { needed: needed.filter((name) => !given.includes(name)), runpath }] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { from: await pinned(variant, 'x64'), programs: Object.fromEntries(entries) };
}

/** Changes with what an image of the variant is staged from. */
export async function pinned(variant: Variant, architecture: Architecture): Promise<string> {
  const { integrity } = await lockedPackage(binariesOf(variant, architecture));
  const hash = createHash('sha256').update(integrity);
  // The kernels are made with all that is pinned of CUDA.
  if (variant === 'cuda') hash.update(await kernelsHash()).update(cudaCode.compiled.join());
  return hash.digest('hex');
}
