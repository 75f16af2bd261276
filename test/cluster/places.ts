import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where built tools and images are kept between runs. Never inside the checkout: it outlives a `git clean`. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'longshore');
}

/** Holds one folder and one lock file per cluster. On a disk: an overlay file system cannot lie on a tmpfs everywhere. */
export function clustersFolder(): string {
  return join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'longshore', 'clusters');
}

export function stateFolder(name: string): string {
  return join(clustersFolder(), name);
}
