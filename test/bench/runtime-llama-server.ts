/** llama-server, as near to node-llama-cpp as it can be: see llama-server/CMakeLists.txt. */
import { createHash } from 'node:crypto';
import { access, cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findProgram, run } from '../cluster/commands.ts';
import { withLock } from '../cluster/lock.ts';
import { cacheFolder } from '../cluster/places.ts';
import { packages } from '../hub/python/pip.ts';

const modules = join(import.meta.dirname, '..', '..', 'src', 'runtime-image', 'node_modules');
const project = join(import.meta.dirname, 'llama-server');

/** What node-llama-cpp was built from, and where its libraries are. */
export interface Engine {
  /** Of node-llama-cpp. */
  version: string;
  /** The tag of llama.cpp. */
  release: string;
  libraries: string;
}

export async function installedEngine(): Promise<Engine> {
  const folder = join(modules, 'node-llama-cpp');
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, path), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(await read('package.json'));
  const { release } = z.object({ release: z.string() }).parse(await read('llama/binariesGithubRelease.json'));
  const platform = `${process.platform}-${process.arch}`;
  return { version, release, libraries: join(modules, '@node-llama-cpp', platform, 'bins', platform) };
}

/**
 * The path of a llama-server of the engine's own commit, kept in the cache; built where it is not there, which takes three
 * minutes on two cores. Needs git, ninja and a C++ compiler.
 */
export async function llamaServer(engine: Engine, say: (line: string) => void): Promise<string> {
  const cmakeLists = await readFile(join(project, 'CMakeLists.txt'));
  const hash = createHash('sha256').update(cmakeLists).update(engine.version).digest('hex').slice(0, 8);
  const parent = join(cacheFolder(), 'tools');
  const folder = join(parent, `llama-server-${engine.release}-${hash}`);
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
  const bundle = join(modules, 'node-llama-cpp', 'llama', 'gitRelease.bundle');
  await run('git', ['-c', 'advice.detachedHead=false', 'clone', '--quiet', bundle, source]);
  const cmake = await cmakeProgram();
  const definitions = {
    CMAKE_BUILD_TYPE: 'Release',
    LLAMA_CPP: source,
    PREBUILT: engine.libraries,
    LIBRARY_VERSION: engine.release,
  };
  const flags = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  await run(cmake, ['-S', project, '-B', output, '-G', 'Ninja', ...flags]);
  const jobs = String(availableParallelism());
  // Whoever else works on this machine comes first.
  await run('nice', [cmake, '--build', output, '--target', 'llama-server', '--parallel', jobs]);
  await cp(join(output, 'bin'), join(work, 'bin'), { recursive: true });
  await cp(engine.libraries, join(work, 'bin'), { recursive: true });
}

async function cmakeProgram(): Promise<string> {
  const installed = await findProgram('cmake');
  if (installed !== undefined) return installed;
  const requirements = join(project, 'requirements.txt');
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const folder = await packages(`cmake-${digest.slice(0, 12)}`, ['--require-hashes', '-r', requirements], {
    withDependencies: false,
  });
  return join(folder, 'cmake', 'data', 'bin', 'cmake');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
