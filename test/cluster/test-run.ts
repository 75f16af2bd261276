import { readdir } from 'node:fs/promises';
import { stopCluster } from './cluster.ts';
import { clustersFolder } from './places.ts';

/**
 * The name of the cluster of this test run: one that nobody else uses, or with `LONGSHORE_TEST_KEEP=1` one that stays up
 * for the next such run. Clusters of runs that were killed before they could stop theirs are stopped first.
 */
export async function clusterForTests(
  prefix: string,
  say: (line: string) => void,
): Promise<{ name: string; keep: boolean }> {
  const keep = process.env['LONGSHORE_TEST_KEEP'] === '1';
  const names = await readdir(clustersFolder()).catch(() => []);
  for (const name of names) {
    const [, owner] = new RegExp(`^${prefix}-(\\d+)$`).exec(name) ?? [];
    if (owner === undefined || isRunning(Number(owner))) continue;
    say(`stopping ${name}, which a killed run left`);
    await stopCluster(name);
  }
  return { name: keep ? prefix : `${prefix}-${process.pid}`, keep };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
