import { posix } from 'node:path';

/** Reads a whole text file; undefined where there is none, or none that may be read. */
export type ReadText = (path: string) => string | undefined;

/**
 * How many threads may compute at once: the CPU quota of the container, else the cores this process may run on.
 *
 * llama.cpp's threads spin while they wait for each other, so one thread more than there is CPU time for makes all of
 * them wait: 4 threads on 2 cores gave 0.5 tokens/s where 2 gave 38. A quota is therefore rounded down.
 *
 * Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max),
 * https://docs.kernel.org/scheduler/sched-bwc.html (cpu.cfs_quota_us).
 *
 * @param cores what the affinity mask allows: os.availableParallelism()
 */
export function computeThreads(read: ReadText, cores: number): number {
  const quota = Math.min(...cgroupFolders(read).map((folder) => quotaOf(read, folder)), Infinity);
  return Math.max(1, Math.min(cores, Math.floor(quota)));
}

/**
 * Every folder in which a limit may stand: the own cgroup and its ancestors, since the tightest of them holds. In a
 * container the path of /proc/self/cgroup may be one that only the host can see; the mount's root is the own then.
 */
function cgroupFolders(read: ReadText): string[] {
  const folders = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') folders.push(...ancestors('/sys/fs/cgroup', path));
    if (controllers.split(',').includes('cpu')) {
      folders.push(
        ...ancestors('/sys/fs/cgroup/cpu', path),
        ...ancestors(`/sys/fs/cgroup/${controllers}`, path),
      );
    }
  }
  return folders;
}

function ancestors(root: string, path: string): string[] {
  const found = [];
  for (let at = posix.normalize(path); at !== '/'; at = posix.dirname(at)) found.push(posix.join(root, at));
  return found;
}

/** Cores' worth of CPU time; Infinity where nothing limits it. */
function quotaOf(read: ReadText, folder: string): number {
  const [max, maxPeriod] = (read(`${folder}/cpu.max`) ?? '').trim().split(/\s+/);
  const quota = max || read(`${folder}/cpu.cfs_quota_us`);
  const period = maxPeriod || read(`${folder}/cpu.cfs_period_us`);
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : Infinity;
}
