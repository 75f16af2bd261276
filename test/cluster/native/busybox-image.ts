import { access, copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run } from '../commands.ts';
import { cacheFolder } from '../places.ts';

/** Debian's static busybox alone: the pause container of every pod, what makes volumes, and the pods of smoke.ts. */
export const busyboxImage = 'localhost/busybox:longshore-1';

const applets = 'sh cat chmod cp echo env httpd id ls mkdir nc nslookup rm sleep wget'.split(' ');

const dockerfile = `FROM scratch
COPY root/ /
CMD ["/bin/busybox", "sleep", "infinity"]
`;

/** The path of the image as an OCI archive, built once for all clusters. */
export async function busyboxArchive(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), 'images');
  const archive = join(folder, `${busyboxImage.replaceAll(/[/:]/g, '-')}.tar`);
  if (
    await access(archive).then(
      () => true,
      () => false,
    )
  )
    return archive;
  say('Building the busybox image');
  const busybox = await findProgram('busybox');
  if (!busybox) throw new Error('No busybox on PATH: install the package busybox-static.');
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.busybox-'));
  try {
    const bin = join(work, 'root', 'bin');
    await mkdir(bin, { recursive: true });
    await copyFile(busybox, join(bin, 'busybox'));
    for (const applet of applets) await symlink('busybox', join(bin, applet));
    await writeFile(join(work, 'Dockerfile'), dockerfile);
    const storage = [
      '--root',
      join(work, 'storage'),
      '--runroot',
      join(work, 'run'),
      '--storage-driver',
      'vfs',
    ];
    await run('buildah', [...storage, 'bud', '--isolation', 'chroot', '-q', '-t', busyboxImage, work]);
    const target = join(work, 'image.tar');
    await run('buildah', [...storage, 'push', '-q', busyboxImage, `oci-archive:${target}:${busyboxImage}`]);
    await rename(target, archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return archive;
}
