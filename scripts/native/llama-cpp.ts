/** What llama.cpp is compiled with: the source of node-llama-cpp's own commit, cmake and ninja. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findProgram, run } from '../../test/cluster/commands.ts';
import { pinnedPackages } from '../../test/hub/python/pip.ts';

const engine = join(import.meta.dirname, '../../src/runtime-image/node_modules/node-llama-cpp');
const requirements = join(import.meta.dirname, 'cmake-requirements.txt');

export interface Project {
  /** The folder of its CMakeLists.txt. */
  folder: string;
  target: string;
  definitions: Readonly<Record<string, string>>;
  /** Where it is built. */
  output: string;
}

/** Puts the source that node-llama-cpp carries into a folder that is not there yet. */
export async function unpackSource(folder: string): Promise<void> {
  if ((await findProgram('git')) === undefined)
    throw new Error('the source of llama.cpp comes as a git bundle: install git, then try again.');
  const bundle = join(engine, 'llama', 'gitRelease.bundle');
  await run('git', ['-c', 'advice.detachedHead=false', 'clone', '--quiet', bundle, folder]);
}

/** Needs ninja and a C++ compiler. Whoever else works on this machine comes first. */
export async function compile({ folder, target, definitions, output }: Project): Promise<void> {
  const cmake = await cmakeProgram();
  const flags = Object.entries({ CMAKE_BUILD_TYPE: 'Release', ...definitions }).map(
    ([name, value]) => `-D${name}=${value}`,
  );
  await run(cmake, ['-S', folder, '-B', output, '-G', 'Ninja', ...flags]);
  const jobs = String(availableParallelism());
  await run('nice', [cmake, '--build', output, '--target', target, '--parallel', jobs]);
}

async function cmakeProgram(): Promise<string> {
  const installed = await findProgram('cmake');
  if (installed !== undefined) return installed;
  const folder = await pinnedPackages('cmake', requirements);
  return join(folder, 'cmake', 'data', 'bin', 'cmake');
}
