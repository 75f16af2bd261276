/** A library beside llama.cpp's own, with which its threads stay: kept-threads/kept-threads.c. */
import { createHash } from 'node:crypto';
import { cp, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../test/cluster/commands.ts';
import { pipInstall, withIncoming } from '../../test/hub/python/pip.ts';
import { unpackSource } from '../native/llama-cpp.ts';
import { isThere, lockedPackage } from './npm-package.ts';
import type { Architecture, Say } from './platform.ts';

const program = join(import.meta.dirname, 'kept-threads/kept-threads.c');
const requirements = join(import.meta.dirname, 'kept-threads/requirements.txt');

/** ggml looks for libraries of this name with anything behind `cpu-`, and has them say how well they fit. */
export const keptThreadsLibrary = 'libggml-cpu-kept-threads.so';

/** With the glibc that node-llama-cpp's build asks for, too. */
const targets = {
  x64: 'x86_64-linux-gnu.2.34',
  arm64: 'aarch64-linux-gnu.2.34',
} as const satisfies Record<Architecture, string>;

/** Puts it into the folder with node-llama-cpp's build; compiled once. Needs git, and pip for the compiler. */
export async function stageKeptThreads(
  folder: string,
  { architecture, cache, say }: { architecture: Architecture; cache: string; say: Say },
): Promise<void> {
  const target = targets[architecture];
  const { version } = await lockedPackage('node-llama-cpp');
  const hash = createHash('sha256').update(version).update(target);
  for (const part of [program, requirements]) hash.update(await readFile(part));
  const kept = join(cache, `kept-threads-${hash.digest('hex').slice(0, 12)}.so`);
  if (!(await isThere(kept))) {
    say('compiling what keeps the threads of llama.cpp (the first time a compiler of 100 MB is fetched) ...');
    await withIncoming(cache, (work) => compile(target, work, kept));
  }
  await cp(kept, join(folder, keptThreadsLibrary));
}

async function compile(target: string, work: string, output: string): Promise<void> {
  const [source, packages] = [join(work, 'source'), join(work, 'packages')];
  const [zigCache, compiled] = [join(work, 'zig-cache'), join(work, 'compiled.so')];
  await unpackSource(source);
  // Not kept: 400 MB that are needed once.
  await pipInstall(['--require-hashes', '-r', requirements], packages, { withDependencies: false });
  const language = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-O2'];
  const library = ['-target', target, '-shared', '-fPIC', '-s'];
  // As ggml declares what a backend in a library of its own hands out.
  const ggml = ['-DGGML_BACKEND_DL', '-DGGML_BACKEND_SHARED', '-DGGML_BACKEND_BUILD'];
  const headers = ['include', 'src'].map((folder) => `-I${join(source, 'ggml', folder)}`);
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: zigCache, ZIG_LOCAL_CACHE_DIR: zigCache };
  await run(
    join(packages, 'ziglang/zig'),
    ['cc', ...language, ...library, ...ggml, ...headers, program, '-o', compiled],
    { env },
  );
  await rename(compiled, output);
}
