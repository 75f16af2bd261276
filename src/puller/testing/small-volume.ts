import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, in memory. */
export interface SmallVolume extends AsyncDisposable {
  readonly root: string;
  /** Has somebody else take all the room that is left; @returns what gives it back. */
  fill(): Promise<() => Promise<void>>;
}

/**
 * Mounts it where only a process of a namespace of its own sees it, and reaches it through that process. Who is not root
 * needs user namespaces for that.
 */
export async function smallVolume(bytes: number): Promise<SmallVolume> {
  const folder = await mkdtemp(join(tmpdir(), 'small-volume-'));
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = `mount -t tmpfs -o size=${bytes},mode=755 tmpfs "$0" && echo mounted && exec cat`;
  const holder = spawn('unshare', [...asRoot, '--mount', 'sh', '-c', script, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'close');
  const [said] = (await Promise.race([once(holder.stdout, 'data'), ended])) as [unknown];
  if (String(said) !== 'mounted\n') throw new Error('there is no file system for this test');
  const root = `/proc/${holder.pid}/root${folder}`;
  return {
    root,
    async fill() {
      const other = join(root, 'other');
      const { bavail, bsize } = await statfs(root);
      // A pull may be faster with the last of it: full it is all the same.
      await writeFile(other, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      });
      return () => rm(other);
    },
    async [Symbol.asyncDispose]() {
      holder.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
