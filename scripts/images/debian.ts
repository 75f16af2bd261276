import { createHash } from 'node:crypto';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../test/cluster/commands.ts';
import { ensureDebianPackages } from '../../test/cluster/tools/debian.ts';
import { debianNames, type Architecture, type Say } from './platform.ts';

/** Debian 13, whatever this machine has. */
export const suite = 'trixie';

export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
}

/**
 * Before: /lib and /lib64 lead where the packages of this release put everything. After: what is known of each package
 * goes where scanners look for it in images without dpkg, as distroless has it, and its licence stays.
 */
const setup = 'mkdir -p "$1/usr/lib" "$1/usr/lib64"; ln -s usr/lib "$1/lib"; ln -s usr/lib64 "$1/lib64"';
const note = `
mkdir -p "$1/var/lib/dpkg/status.d" "$1/etc"
for deb in "$1"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  dpkg-deb --field "$deb" > "$1/var/lib/dpkg/status.d/$name"
  dpkg-deb --info "$deb" md5sums > "$1/var/lib/dpkg/status.d/$name.md5sums"
done
printf '%s\\n' 'PRETTY_NAME="Longshore, on Debian 13"' 'NAME="Debian GNU/Linux"' 'ID=debian' 'VERSION_ID="13"' \\
  'VERSION_CODENAME=${suite}' > "$1/etc/os-release"`;
const filters = [
  ...['doc', 'man', 'info', 'locale', 'lintian', 'bug'].map(
    (folder) => `path-exclude=/usr/share/${folder}/*`,
  ),
  'path-include=/usr/share/doc/*/copyright',
].map((option) => `--dpkgopt=${option}`);

export interface TreeRequest {
  packages: readonly string[];
  architecture: Architecture;
  /** Where what was made before is found again. */
  cache: string;
  say: Say;
}

/** A tar of these packages and all they depend on, unpacked and not configured; made once. */
export async function debianTree({ packages, architecture, cache, say }: TreeRequest): Promise<string> {
  const request = JSON.stringify([suite, architecture, packages, setup, note, filters]);
  const key = createHash('sha256').update(request).digest('hex').slice(0, 12);
  const tar = join(cache, `debian-${key}.tar`);
  if (await stat(tar).catch(() => undefined)) return tar;
  await ensureDebianPackages(['mmdebstrap'], { say });
  say(`fetching Debian packages for ${packages.join(', ')} (about 10 s) ...`);
  await mkdir(cache, { recursive: true });
  const partial = `${tar}.${process.pid}.tar`;
  await run('mmdebstrap', [
    '--quiet',
    '--variant=extract',
    `--architectures=${debianNames[architecture]}`,
    `--include=${packages.join(',')}`,
    `--setup-hook=${setup}`,
    `--extract-hook=${note}`,
    ...filters,
    suite,
    partial,
  ]);
  await rename(partial, tar);
  return tar;
}

/** What is in a tree. */
export async function packagesOf(tar: string): Promise<DebianPackage[]> {
  const fields = ['-xOf', tar, '--wildcards', './var/lib/dpkg/status.d/*', '--exclude=*.md5sums'];
  return readPackages(await run('tar', fields));
}

/** Reads the fields of packages, one after the other. */
export function readPackages(text: string): DebianPackage[] {
  return text
    .split(/^(?=Package: )/m)
    .filter((fields) => fields.startsWith('Package: '))
    .map((fields) => {
      const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(fields)?.[1] ?? '';
      return { name: field('Package'), version: field('Version'), architecture: field('Architecture') };
    });
}
