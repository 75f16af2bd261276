import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../test/cluster/commands.ts';
import type { Say } from './platform.ts';

export const runtimeFolder = join(import.meta.dirname, '../../src/runtime-image');

/** A package of the runtime, as its lock file has it. */
export async function lockedPackage(name: string): Promise<{ version: string; integrity: string }> {
  const lock = JSON.parse(await readFile(join(runtimeFolder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`${name} is not in the lock file of src/runtime-image`);
  return locked;
}

/**
 * The folder of a package from npm, whatever platform it is for; fetched once.
 * @param integrity as a lock file has it; absent: npm's own check against its registry is all there is
 */
export async function npmPackage(
  name: string,
  version: string,
  { cache, say, integrity }: { cache: string; say: Say; integrity?: string | undefined },
): Promise<string> {
  const folder = join(cache, `npm-${name.replaceAll(/[@/]/g, '')}-${version}`);
  if (await isThere(folder)) return folder;
  say(`fetching ${name}@${version} ...`);
  await mkdir(cache, { recursive: true });
  const incoming = await mkdtemp(join(cache, '.incoming-'));
  try {
    const packing = await run('npm', [
      'pack',
      '--json',
      '--pack-destination',
      incoming,
      `${name}@${version}`,
    ]);
    const [packed] = JSON.parse(packing) as { filename: string }[];
    const archive = join(incoming, packed?.filename ?? '');
    if (integrity !== undefined) await ensureIntegrity(archive, integrity);
    await run('tar', ['-xzf', archive, '-C', incoming, '--no-same-owner']);
    await rename(join(incoming, 'package'), folder).catch(async (error: unknown) => {
      if (!(await isThere(folder))) throw error;
    });
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return folder;
}

/** https://www.w3.org/TR/SRI/ */
async function ensureIntegrity(archive: string, integrity: string): Promise<void> {
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (integrity !== `sha512-${digest}`)
    throw new Error(`${archive} is not what the lock file says: ${integrity}`);
}

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
