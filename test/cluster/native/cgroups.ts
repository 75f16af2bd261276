import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../commands.ts';

const root = '/sys/fs/cgroup';

/** The kubelet's cgroupRoot; one per cluster, as two run side by side. */
export function cgroupOf(name: string): string {
  return `/longshore-${name}`;
}

/** The kubelet wants its root to be there, in every hierarchy of cgroup v1 or in the one of v2. */
export async function makeCgroup(name: string): Promise<void> {
  const unified = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  if (unified !== undefined) {
    const enable = unified
      .trim()
      .split(/\s+/)
      .map((controller) => `+${controller}`);
    await writeFile(join(root, 'cgroup.subtree_control'), enable.join(' '));
  }
  for (const hierarchy of await hierarchies())
    await mkdir(join(hierarchy, cgroupOf(name)), { recursive: true });
}

/** Removes the cluster's cgroups once their processes have ended. */
export async function removeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const folder = join(hierarchy, cgroupOf(name));
    // EBUSY for a moment after the last process has ended.
    await waitFor(`${folder} to be free of processes`, () => removeTree(folder).then(() => true), {
      timeout: 20_000,
    });
  }
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function hierarchies(): Promise<string[]> {
  const lines = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return lines.filter(([, , type]) => type === 'cgroup' || type === 'cgroup2').map(([, path = '']) => path);
}
