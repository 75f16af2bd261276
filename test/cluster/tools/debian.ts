import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run } from '../commands.ts';
import { withLock } from '../lock.ts';
import { cacheFolder } from '../places.ts';

/**
 * What each package is wanted for. A machine that has the thing from elsewhere keeps it: Docker's own
 * containerd.io brings a runc that conflicts with Debian's package.
 */
const provides: Record<string, { program: string } | { file: string }> = {
  'busybox-static': { file: '/usr/share/doc/busybox-static' },
  buildah: { program: 'buildah' },
  conntrack: { program: 'conntrack' },
  'containernetworking-plugins': { file: '/usr/lib/cni/bridge' },
  'docker-registry': { program: 'docker-registry' },
  iproute2: { program: 'ip' },
  iptables: { program: 'iptables' },
  mmdebstrap: { program: 'mmdebstrap' },
  openssl: { program: 'openssl' },
  runc: { program: 'runc' },
  tini: { program: 'tini' },
  'util-linux': { program: 'nsenter' },
};

/**
 * Installs those of the packages that this machine lacks. Needs apt and root only when something is missing. Any number of
 * processes may ask at the same time; apt lets one in.
 */
export async function ensureDebianPackages(
  packages: readonly string[],
  { say }: { say: (line: string) => void },
): Promise<void> {
  if ((await missingOf(packages)).length === 0) return;
  await withLock(join(cacheFolder(), 'apt.lock'), async () => {
    const missing = await missingOf(packages);
    if (missing.length > 0) await install(missing, say);
  });
}

async function missingOf(packages: readonly string[]): Promise<string[]> {
  const present = await Promise.all(packages.map(isPresent));
  return packages.filter((_, i) => !present[i]);
}

async function install(missing: readonly string[], say: (line: string) => void): Promise<void> {
  const list = missing.join(' ');
  if (!(await findProgram('apt-get')))
    throw new Error(`This needs ${list}: install them, there is no apt-get here.`);
  if (process.getuid?.() !== 0) throw new Error(`This needs ${list}: run apt-get install ${list} as root.`);
  say(`Installing Debian packages: ${list}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env });
  await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', '--no-remove', ...missing], {
    env,
  });
}

async function isPresent(name: string): Promise<boolean> {
  const proof = provides[name];
  if (proof && 'program' in proof) return (await findProgram(proof.program)) !== undefined;
  if (proof)
    return stat(proof.file).then(
      () => true,
      () => false,
    );
  const status = await run('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}', name]).catch(() => '');
  return status.startsWith('ii');
}
