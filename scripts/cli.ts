/**
 * Packs the command line as npm takes it, `longshore-cli-VERSION.tgz`: JavaScript, since Node strips no types inside
 * node_modules, and nothing to install beside it. It answers to `longshore`, and as a plugin to `kubectl longshore`.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { cliBundleOptions } from './bundle.ts';

const root = join(import.meta.dirname, '..');

/** Bundles it into `folder`, whose `longshore.js` can be run at once; resolves with that path. */
export async function bundleCli(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    ...cliBundleOptions,
    entryPoints: { longshore: 'src/cli/main.ts' },
    outdir: folder,
    define: { LONGSHORE_VERSION: JSON.stringify(version) },
  });
  const manifest = {
    name: 'longshore-cli',
    version,
    description: 'Pulls models onto a Kubernetes cluster, and serves them there.',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=22.12' },
    bin: { longshore: 'longshore.js', 'kubectl-longshore': 'longshore.js' },
  };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return join(folder, 'longshore.js');
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist', 'cli') } } });
  await bundleCli(values.out);
  const packed = await promisify(execFile)('npm', ['pack', '--silent'], { cwd: values.out });
  console.log(join(values.out, packed.stdout.trim()));
}
