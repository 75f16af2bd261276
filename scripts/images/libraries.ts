/** Whether programs of an image find the libraries that they ask for, without running it. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { readElf, type ElfFile } from './elf.ts';

/** The programs and libraries of an image, by their paths in it. */
export type Programs = ReadonlyMap<string, ElfFile>;

export interface Surroundings {
  /** Names of libraries that come from elsewhere: from the base, or from the node. */
  given: readonly string[];
  /** The folders of LD_LIBRARY_PATH. */
  libraryPath: readonly string[];
}

/** What a base brings with libc6, libgcc-s1, libstdc++6 and libgomp1. */
export const libraryNamesOfBase = [
  'ld-linux-aarch64.so.1',
  'ld-linux-x86-64.so.2',
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libgomp.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'librt.so.1',
  'libstdc++.so.6',
];

/** Where the loader looks at last; https://wiki.debian.org/Multiarch/LibraryPathOverview */
const defaultFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'];

/** Reads the files of an image. `files`: their paths in the image, with where they are here. */
export async function readPrograms(files: ReadonlyMap<string, string>): Promise<Programs> {
  const programs = new Map<string, ElfFile>();
  for (const [path, file] of files) {
    const elf = await readElf(file);
    if (elf) programs.set(path, elf);
  }
  return programs;
}

/** Each library that would not be found, with who asks for it. In the loader's order; man 8 ld.so. */
export function unresolved(programs: Programs, { given, libraryPath }: Surroundings): string[] {
  return [...programs].flatMap(([path, { needed, runpath }]) => {
    const own = runpath.map((folder) => posix.normalize(folder.replace('$ORIGIN', dirname(path))));
    const folders = [...libraryPath, ...own, ...defaultFolders];
    return needed
      .filter(
        (name) => !given.includes(name) && !folders.some((folder) => programs.has(posix.join(folder, name))),
      )
      .map((name) => `${path}: ${name}`);
  });
}

/**
 * Libraries of a folder, with all that they ask for in turn, by the name they are asked for. What `given` names is left
 * out.
 * @throws Error that names what is not in the folder
 */
export async function withDependencies(
  names: readonly string[],
  folder: string,
  given: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name) || given.includes(name)) continue;
    const file = await realpath(join(folder, name)).catch(() => undefined);
    if (file === undefined) throw new Error(`${name} is needed and not in ${basename(folder)}`);
    found.set(name, file);
    open.push(...((await readElf(file))?.needed ?? []));
  }
  return found;
}
