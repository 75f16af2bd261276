import { access, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { run } from '../cluster/commands.ts';
import { withLock } from '../cluster/lock.ts';
import { cacheFolder } from '../cluster/places.ts';
import { needGo } from '../cluster/tools/tools.ts';

/**
 * Where the definitions of others come from that examples of ours are written for: a file each of Go modules, at these
 * versions. The newest ones ask for a newer Go than the tests do.
 */
const published = {
  'github.com/argoproj/argo-cd/v3@v3.5.3': 'manifests/crds/application-crd.yaml',
  'github.com/fluxcd/source-controller@v1.8.0':
    'config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml',
  'github.com/fluxcd/kustomize-controller@v1.7.2':
    'config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml',
  'github.com/fluxcd/helm-controller@v1.4.0': 'config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml',
  'github.com/kedacore/keda/v2@v2.21.0': 'config/crd/bases/keda.sh_scaledobjects.yaml',
};

const Download = z.object({ Dir: z.string() });

/** Answers the paths of the definitions. What is not in the cache yet is fetched: 70 MB, of which 1 MB is kept. */
export function foreignDefinitions(): Promise<string[]> {
  return Promise.all(Object.entries(published).map(([module, file]) => definitionOf(module, file)));
}

async function definitionOf(module: string, file: string): Promise<string> {
  const kept = join(cacheFolder(), 'definitions', module.replaceAll('/', '-'), basename(file));
  await mkdir(dirname(kept), { recursive: true });
  await withLock(
    `${kept}.lock`,
    async () => {
      const isThere = await access(kept).then(
        () => true,
        () => false,
      );
      if (!isThere) await fetchFile(module, file, kept);
    },
    () => console.error(`Another process is fetching ${module}; waiting for it`),
  );
  return kept;
}

/** The module is unpacked beside the cache of Go, which would keep half a gigabyte for one file. */
async function fetchFile(module: string, file: string, kept: string): Promise<void> {
  await needGo(`the check of examples against ${module}`);
  const folder = await mkdtemp(`${kept}.`);
  try {
    const env = { ...process.env, GOMODCACHE: folder, GOFLAGS: '-modcacherw' };
    const out = await run('go', ['mod', 'download', '-json', module], { cwd: folder, env });
    await copyFile(join(Download.parse(JSON.parse(out)).Dir, file), join(folder, 'file'));
    await rename(join(folder, 'file'), kept);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
