/** Packages of PyPI in folders of their own. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../cluster/commands.ts';
import { cacheFolder } from '../../cluster/places.ts';
import { ensureDebianPackages } from '../../cluster/tools/debian.ts';

const incomingPrefix = '.incoming-';
const oneHour = 3_600_000;

/**
 * Gives `work` a folder inside `folder`, from which it may move what it made to where it belongs, so that this
 * appears whole or not at all. What killed processes left goes when it is an hour old.
 */
export async function withIncoming(folder: string, work: (incoming: string) => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const incoming = await mkdtemp(join(folder, incomingPrefix));
  try {
    await work(incoming);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(incomingPrefix)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > oneHour) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Folder of this name below the cache, with what pip installs, fetched once; any number of processes may ask at a time. */
export async function packages(
  name: string,
  requirements: readonly string[],
  options?: Parameters<typeof pipInstall>[2],
): Promise<string> {
  const parent = join(cacheFolder(), 'python');
  const folder = join(parent, name);
  if (await isThere(folder)) return folder;
  await withIncoming(parent, async (incoming) => {
    await pipInstall(requirements, incoming, options);
    await rename(incoming, folder).catch(async (error: unknown) => {
      if (!(await isThere(folder))) throw error;
    });
  });
  return folder;
}

/**
 * The same with the packages of a requirements file, each of the bytes that it names.
 * @param options more for pip, as the platforms that they are for
 */
export async function pinnedPackages(
  name: string,
  requirements: string,
  options: readonly string[] = [],
): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const asked = ['--require-hashes', ...options, '-r', requirements];
  return await packages(`${name}-${digest.slice(0, 12)}`, asked, { withDependencies: false });
}

function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}

export async function pipInstall(
  requirements: readonly string[],
  target: string,
  { python = 'python3', withDependencies = true } = {},
): Promise<void> {
  await ensurePip(python);
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'install', '--no-cache-dir'];
  const wheels = ['--no-compile', '--only-binary=:all:', ...(withDependencies ? [] : ['--no-deps'])];
  try {
    await run(python, [...pip, ...wheels, '--target', target, ...requirements]);
  } catch (cause) {
    throw new Error(
      `${requirements.join(', ')} comes from PyPI: install python3 with pip and let it reach a package index, then try again.`,
      { cause },
    );
  }
}

/** Where pip is not there and apt and root are, installs it; where they are not, pipInstall says what is missing. */
async function ensurePip(python: string): Promise<void> {
  const works = await run(python, ['-m', 'pip', '--version']).catch(() => undefined);
  if (works !== undefined || process.getuid?.() !== 0) return;
  await ensureDebianPackages(['python3', 'python3-pip'], { say: (line) => console.error(`hub: ${line}`) });
}
