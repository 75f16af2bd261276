/** Debian's docker-registry as a process of this one: loopback, a free port, a folder of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureDebianPackages } from '../../cluster/tools/debian.ts';

export type Storage = {
  url: string;
  folder: string;
  pid: number;
  /** Ends the process and removes the folder. */
  close(): Promise<void>;
};

/**
 * The registry ends with this process, whatever ends that; a folder that a kill left goes with the next start.
 * Installing the package on a machine that runs services starts one more, on port 5000, which nothing here uses.
 */
export async function startStorage(): Promise<Storage> {
  await ensureDebianPackages(['docker-registry'], { say: (line) => console.error(`registry: ${line}`) });
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  const config = join(folder, 'config.yml');
  await writeFile(config, configuration(folder));
  const [program, ...args] = ['setpriv', '--pdeathsig', 'KILL', 'docker-registry', 'serve', config];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  const abandon = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  const close = async (): Promise<void> => {
    process.off('exit', abandon);
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
      await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { url: await addressOf(child), folder, pid: child.pid ?? 0, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const folderPrefix = 'longshore-registry-';

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const owner = name.slice(folderPrefix.length).split('-')[0];
    if (!existsSync(`/proc/${owner}`)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** https://distribution.github.io/distribution/about/configuration: JSON is YAML. */
function configuration(folder: string): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: folder } },
    http: { addr: '127.0.0.1:0', secret: 'of no use on loopback' },
  });
}

/** The system chooses the port, and only the log says which. */
async function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  const failed = once(child, 'error').then(([error]: unknown[]) => {
    throw new Error('docker-registry cannot be started', { cause: error });
  });
  const listening = (async () => {
    if (child.stderr === null) throw new Error('docker-registry has no log to read');
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) return `http://${address}`;
    }
    throw new Error(`docker-registry ended while it started:\n${said.slice(-5).join('\n')}`);
  })();
  const url = await Promise.race([listening, failed]);
  child.stderr?.resume();
  return url;
}
