import type { ToolPaths } from '../tools/tools.ts';
import { runInBox } from './box.ts';
import { program } from './control-plane.ts';

/**
 * Imports an OCI archive where the kubelet looks. An archive may carry a short name ("longshore/operator:dev"), while the kubelet
 * asks containerd for the full one, so images get that name instead.
 */
export async function importImage(init: number, tools: ToolPaths, archive: string): Promise<void> {
  const images = [program(tools, 'ctr'), '--namespace', 'k8s.io', 'images'];
  await runInBox(init, [...images, 'import', archive]);
  const names = (await runInBox(init, [...images, 'list', '--quiet'])).trim().split('\n');
  for (const name of names) {
    const full = fullName(name);
    if (full === name) continue;
    await runInBox(init, [...images, 'tag', '--force', name, full]);
    // Else the next import would give the full name back to this image.
    await runInBox(init, [...images, 'remove', name]);
  }
}

/** As Docker reads names: without a first part that looks like a host, an image is one of docker.io. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (name.startsWith('sha256:')) return name;
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]/.test(first) || first === 'localhost' ? name : `docker.io/${name}`;
}
