/** llama-server, as near to node-llama-cpp as it can be: see llama-server/CMakeLists.txt. */
import { createHash } from 'node:crypto';
import { access, cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { compile, unpackSource } from '../../scripts/native/llama-cpp.ts';
import { withLock } from '../cluster/lock.ts';
import { cacheFolder } from '../cluster/places.ts';

const modules = join(import.meta.dirname, '..', '..', 'src', 'runtime-image', 'node_modules');
const project = join(import.meta.dirname, 'llama-server');

/** What node-llama-cpp was built from, and where its libraries are. */
export interface Engine {
  /** Of node-llama-cpp. */
  version: string;
  /** The tag of llama.cpp. */
  release: string;
  /** What stands between `lib<name>.` and `.so` in the names of its libraries. */
  libraryVersion: string;
  libraries: string;
}

/** @param gpu whether of the build for CUDA, in place of the one for CPUs */
export async function installedEngine(gpu: boolean): Promise<Engine> {
  const folder = join(modules, 'node-llama-cpp');
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, path), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(await read('package.json'));
  const { release } = z.object({ release: z.string() }).parse(await read('llama/binariesGithubRelease.json'));
  const platform = `${process.platform}-${process.arch}${gpu ? '-cuda' : ''}`;
  const libraries = join(modules, '@node-llama-cpp', platform, 'bins', platform);
  return { version, release, libraryVersion: gpu ? `cuda.${release}` : release, libraries };
}

/**
 * The path of a llama-server of the engine's own commit, kept in the cache; built where it is not there, which takes three
 * minutes on two cores. Needs git, ninja and a C++ compiler.
 */
export async function llamaServer(engine: Engine, say: (line: string) => void): Promise<string> {
  const cmakeLists = await readFile(join(project, 'CMakeLists.txt'));
  const hash = createHash('sha256').update(cmakeLists).update(engine.version).digest('hex').slice(0, 8);
  const parent = join(cacheFolder(), 'tools');
  const folder = join(parent, `llama-server-${engine.libraryVersion}-${hash}`);
  const program = join(folder, 'llama-server');
  await withLock(`${folder}.lock`, async () => {
    if (await exists(program)) return;
    for (const left of await readdir(parent))
      if (left.startsWith('.llama-server-')) await rm(join(parent, left), { recursive: true, force: true });
    say(`building llama-server ${engine.release} (some minutes the first time; kept in ${folder})`);
    const work = await mkdtemp(join(parent, '.llama-server-'));
    try {
      await build(engine, work);
      await rm(folder, { recursive: true, force: true });
      await rename(join(work, 'bin'), folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return program;
}

/** Leaves the program, and the libraries that it runs with, in the folder `bin`. */
async function build(engine: Engine, work: string): Promise<void> {
  const [source, output] = [join(work, 'source'), join(work, 'build')];
  await unpackSource(source);
  const definitions = {
    LLAMA_CPP: source,
    PREBUILT: engine.libraries,
    LIBRARY_VERSION: engine.libraryVersion,
  };
  await compile({ folder: project, target: 'llama-server', definitions, output });
  await cp(join(output, 'bin'), join(work, 'bin'), { recursive: true });
  await cp(engine.libraries, join(work, 'bin'), { recursive: true });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
