import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../commands.ts';
import { findProcesses, startComponent, waitWhileAlive } from './processes.ts';
import type { Started } from './processes.ts';
import type { State } from './state.ts';

/**
 * A box is what a node's machine would be: mount, process id, network, IPC and host name namespaces of its
 * own, held by one init process. When that init is killed the kernel ends every process in the box, and mounts,
 * interfaces and firewall rules go with the namespaces: nothing has to be undone one by one.
 * Cgroups are the exception; see cgroups.ts.
 */
export type Box = { state: State; init: number; started: Started };

export const nodeName = 'node1';

/**
 * Folders whose paths Kubernetes or containerd hard-code. In the box each is a folder of the cluster's state (`/run` a
 * tmpfs), so default paths can be used everywhere and the machine's own are not touched.
 */
const privateFolders = ['/run', '/var/lib', '/var/log'];

/** `needed` are folders that must be the machine's own inside too, even where they lie beneath a private one. */
export async function startBox(state: State, needed: readonly string[]): Promise<Box> {
  await mkdir(state.at('box'), { recursive: true });
  const command = [
    'unshare',
    '--mount',
    '--pid',
    '--net',
    '--ipc',
    '--uts',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const script = initScript(state, [state.folder, ...needed]);
  const started = await startComponent(state, { name: 'box', command: [...command, 'sh', '-euc', script] });
  const init = await waitWhileAlive([started], `box of cluster ${state.name}`, async () => {
    await access(state.at('box', 'ready'));
    return findInit(state);
  });
  return { state, init, started };
}

/** The command that runs `command` inside. It stays as a waiting process outside, and ends when the inner one does. */
export function inBox(init: number, command: readonly string[]): string[] {
  return ['nsenter', '--target', `${init}`, '--mount', '--pid', '--net', '--ipc', '--uts', '--', ...command];
}

export function runInBox(init: number, command: readonly string[]): Promise<string> {
  const [file = '', ...args] = inBox(init, command);
  return run(file, args);
}

/** The process id, outside, of the box's init. */
export async function findInit(state: State): Promise<number | undefined> {
  for (const { pid, component } of await findProcesses(state)) {
    if (component !== 'box') continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (/^NSpid:.*\s1$/m.test(status)) return pid;
  }
  return undefined;
}

function initScript(state: State, needed: readonly string[]): string {
  const lines = ['mount --make-rprivate /'];
  for (const hidden of privateFolders) {
    const own = state.at('box', hidden.replaceAll('/', '-').slice(1));
    lines.push(`mkdir -p ${quote(own)}`);
    if (hidden === '/run') lines.push(`mount -t tmpfs -o mode=755 tmpfs ${quote(own)}`);
    for (const path of needed) {
      if (!`${path}/`.startsWith(`${hidden}/`)) continue;
      const inside = quote(join(own, path.slice(hidden.length)));
      lines.push(`mkdir -p ${inside}`, `mount --bind ${quote(path)} ${inside}`);
    }
    lines.push(`mount --rbind ${quote(own)} ${hidden}`);
  }
  lines.push(
    // The kubelet hands mounts into containers with propagation, which needs a shared tree.
    'mount --make-rshared /',
    `hostname ${nodeName}`,
    'mkdir -p /run/lock /run/netns /var/lib/cni',
    `touch ${quote(state.at('box', 'ready'))}`,
    'exec tini -- sleep infinity',
  );
  return lines.join('\n');
}

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

/** The folders of the checkout and of this Node.js, which programs of ours inside the box need. */
export function ownFolders(): string[] {
  return [join(import.meta.dirname, '../../..'), dirname(process.execPath)];
}
