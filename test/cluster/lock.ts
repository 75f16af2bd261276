import { link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Runs `work` while no other process runs under the same lock file. A holder that was killed does not
 * block: its file names its process id and start time, and a file whose process is gone is taken over.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await removeTicketsOfTheDead(path);
  const mine = `${path}.${process.pid}.${nextTicket++}`;
  await writeFile(mine, `${await identityOf(process.pid)} ${nextTicket}\n`);
  try {
    for (let waited = false; !(await taken(mine, path)); waited = true) {
      if (await removeIfAbandoned(path, mine)) continue;
      if (!waited) onWait?.();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

let nextTicket = 0;

/** A hard link appears with its content, so a lock file is never seen half written. */
async function taken(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfAbandoned(path: string, mine: string): Promise<boolean> {
  const holder = await readFile(path, 'utf8').catch(() => undefined);
  if (holder === undefined) return true;
  if (await isAlive(holder)) return false;
  // Renamed before it is removed: if another process took it over in between, what was moved is not what was read.
  const aside = `${mine}.abandoned`;
  await rename(path, aside).catch(() => undefined);
  if ((await readFile(aside, 'utf8').catch(() => holder)) !== holder)
    await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function removeTicketsOfTheDead(path: string): Promise<void> {
  for (const entry of await readdir(dirname(path))) {
    if (!entry.startsWith(`${basename(path)}.`)) continue;
    const ticket = join(dirname(path), entry);
    const holder = await readFile(ticket, 'utf8').catch(() => undefined);
    // An empty one is being written at this moment.
    if (holder && !(await isAlive(holder))) await rm(ticket, { force: true });
  }
}

async function isAlive(ticket: string): Promise<boolean> {
  const [pid, started] = ticket.split(' ');
  return (await identityOf(Number(pid))) === `${pid} ${started}`;
}

/** `<pid> <start time>`, so that a process id used a second time is not taken for the first. */
async function identityOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat !== undefined) return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  if (process.platform === 'linux') return undefined;
  try {
    process.kill(pid, 0);
    return `${pid} 0`;
  } catch {
    return undefined;
  }
}
