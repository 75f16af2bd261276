/** The Vulkan loader, and Mesa's drivers for the GPUs of AMD and Intel: what of a driver is not the kernel's. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from '../../test/cluster/commands.ts';
import { debianTree, packagesOf, type DebianPackage, type TreeRequest } from './debian.ts';
import { libraryNamesOfBase, withDependencies } from './libraries.ts';
import { libraryFolders } from './platform.ts';

/**
 * Without those for other GPUs, and without the one that computes on the CPU: a server that was given no GPU is to say
 * so. Intel's is for the generations since Skylake.
 */
const drivers = ['libvulkan_radeon.so', 'libvulkan_intel.so'];
const loader = 'libvulkan.so.1';

/** Says to the loader which drivers there are. */
const manifests = ['radeon_icd.json', 'intel_icd.json'].map((name) => `usr/share/vulkan/icd.d/${name}`);
/** What amdgpu calls its GPUs. */
const names = 'usr/share/libdrm/amdgpu.ids';

/** Puts them below `root` and answers the packages they are of. Of LLVM and others, only what the drivers ask for. */
export async function stageVulkan(
  root: string,
  { architecture, cache, say }: Omit<TreeRequest, 'packages'>,
): Promise<DebianPackage[]> {
  const packages = ['libvulkan1', 'mesa-vulkan-drivers', 'libdrm-common'];
  const tar = await debianTree({ packages, architecture, cache, say });
  const tree = await mkdtemp(join(tmpdir(), 'longshore-vulkan-'));
  try {
    await run('tar', ['-xf', tar, '-C', tree, '--exclude=./dev/*', '--no-same-owner']);
    const folder = join(tree, libraryFolders[architecture]);
    const libraries = await withDependencies([loader, ...drivers], folder, libraryNamesOfBase);
    const staged = join(root, libraryFolders[architecture]);
    await mkdir(staged, { recursive: true });
    for (const [name, file] of libraries) await cp(file, join(staged, name));
    for (const path of [...manifests, names]) await cp(join(tree, path), join(root, path));
    const taken = [...libraries.values()].map((file) => relative(tree, file));
    const used = await copyNotes(tree, root, [...taken, ...manifests, names]);
    return (await packagesOf(tar)).filter(({ name }) => used.includes(name));
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Copies what is known of the packages that have these files, and their licences; answers their names. */
async function copyNotes(tree: string, root: string, files: readonly string[]): Promise<string[]> {
  const status = 'var/lib/dpkg/status.d';
  const used: string[] = [];
  for (const note of await readdir(join(tree, status))) {
    if (!note.endsWith('.md5sums')) continue;
    const sums = await readFile(join(tree, status, note), 'utf8');
    const paths = new Set(sums.split('\n').map((line) => line.slice(34)));
    if (!files.some((file) => paths.has(file))) continue;
    const name = note.slice(0, -'.md5sums'.length);
    used.push(name);
    await cp(join(tree, status, name), join(root, status, name));
    await cp(join(tree, status, note), join(root, status, note));
    const licence = join('usr/share/doc', name, 'copyright');
    await cp(join(tree, licence), join(root, licence), { dereference: true }).catch(() => undefined);
  }
  return used;
}
