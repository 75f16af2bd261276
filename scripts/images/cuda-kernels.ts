/** llama.cpp's backend for CUDA, compiled for GPUs that node-llama-cpp's build has no machine code for. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cudaCode } from '../../src/runtime-image/cuda-code.ts';
import { run } from '../../test/cluster/commands.ts';
import { withLock } from '../../test/cluster/lock.ts';
import { compile, unpackSource } from '../native/llama-cpp.ts';
import { cudaRequirements, nvidiaPackages } from './cuda.ts';
import { isThere, lockedPackage } from './npm-package.ts';
import type { Say } from './platform.ts';

const project = join(import.meta.dirname, 'cuda-kernels');

/** ggml looks for backends of this name with anything behind it, and has them say whether they fit. */
export const kernelLibrary = (capability: string): string => `libggml-cuda-${digitsOf(capability)}.so`;
const digitsOf = (capability: string): string => capability.replace('.', '');

/** Changes with what each of the libraries is made from. */
export async function kernelsHash(): Promise<string> {
  const { version } = await lockedPackage('node-llama-cpp');
  const hash = createHash('sha256').update(version);
  const parts = (await readdir(project)).toSorted().map((name) => join(project, name));
  for (const part of [cudaRequirements, ...parts]) hash.update(await readFile(part));
  return hash.digest('hex');
}

/**
 * Puts them into the folder with node-llama-cpp's build. Each takes up to an hour on two cores the first time.
 * @param libraries where `libcudart` and the like are, with their headers
 */
export async function stageCudaKernels(
  folder: string,
  { libraries, cache, say }: { libraries: string; cache: string; say: Say },
): Promise<void> {
  const kept = join(cache, `cuda-kernels-${(await kernelsHash()).slice(0, 12)}`);
  await mkdir(kept, { recursive: true });
  for (const capability of cudaCode.compiled) {
    const library = join(kept, kernelLibrary(capability));
    await withLock(`${kept}.lock`, async () => {
      if (await isThere(library)) return;
      say(
        `compiling llama.cpp for compute capability ${capability} (up to an hour on two cores; kept in ${kept}) ...`,
      );
      await compileFor(capability, library, libraries);
    });
    await cp(library, join(folder, kernelLibrary(capability)));
  }
}

/** What was compiled before it was stopped is there the next time. */
async function compileFor(capability: string, library: string, libraries: string): Promise<void> {
  const work = `${library}.building`;
  const source = join(work, 'source');
  const toolkit = join(work, 'toolkit');
  const output = join(work, 'build');
  if (!(await isThere(output))) {
    await rm(work, { recursive: true, force: true });
    await unpackSource(source);
    await makeToolkit(toolkit, libraries);
  }
  const definitions = {
    LLAMA_CPP: source,
    CAPABILITY: digitsOf(capability),
    CUDAToolkit_ROOT: toolkit,
    CMAKE_CUDA_COMPILER: join(toolkit, 'bin/nvcc'),
  };
  await compile({ folder: project, target: 'ggml-cuda', definitions, output });
  const built = join(output, 'bin', kernelLibrary(capability));
  await run('strip', ['--strip-unneeded', built]);
  await rename(built, library);
  await rm(work, { recursive: true });
}

/** A folder as CMake expects CUDA's toolkit, of links to what is in NVIDIA's packages. */
async function makeToolkit(toolkit: string, libraries: string): Promise<void> {
  const compiler = await nvidiaPackages('cuda-compiler', join(project, 'requirements.txt'));
  for (const folder of [libraries, compiler])
    await run('cp', ['-as', '--no-target-directory', join(folder, 'nvidia/cu13'), toolkit]);
  await symlink('lib', join(toolkit, 'lib64'));
  // What is linked against has no version in its name.
  for (const library of ['libcudart', 'libcublas', 'libcublasLt'])
    await symlink(`${library}.so.13`, join(toolkit, 'lib', `${library}.so`));
  // Of the driver nothing is needed but its name: a library may ask for functions that are found when it is loaded.
  await mkdir(join(toolkit, 'lib/stubs'));
  const driver = ['-shared', '-x', 'c', '/dev/null', '-Wl,-soname,libcuda.so.1'];
  await run('cc', [...driver, '-o', join(toolkit, 'lib/stubs/libcuda.so')]);
}
