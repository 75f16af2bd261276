/**
 * Packs the command line as npm takes it, `longshore-cli-VERSION.tgz`: JavaScript, since Node strips no types inside
 * node_modules, and nothing to install beside it. It answers to `longshore`, and as a plugin to `kubectl longshore`.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import project from '../package.json' with { type: 'json' };
import { cliBundleOptions } from './bundle.ts';

const root = join(import.meta.dirname, '..');

/** Bundles it into `folder`, whose `longshore.js` can be run at once; resolves with that path. */
export async function bundleCli(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    ...cliBundleOptions,
    entryPoints: { longshore: 'src/cli/main.ts' },
    outdir: folder,
  });
  const manifest = {
    name: 'longshore-cli',
    version: project.version,
    description: 'Pulls models onto a Kubernetes cluster, and serves them there.',
    license: 'Apache-2.0',
    type: 'module',
    engines: project.engines,
    bin: {
      longshore: 'longshore.js',
      'kubectl-longshore': 'longshore.js',
      // What kubectl asks to complete the words of its plugin.
      'kubectl_complete-longshore': 'longshore.js',
    },
  };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return join(folder, 'longshore.js');
}

/** Bundles it into `folder` and packs it there; resolves with the path of the package. */
export async function packCli(folder: string): Promise<string> {
  await bundleCli(folder);
  const packed = await promisify(execFile)('npm', ['pack', '--silent'], { cwd: folder });
  return join(folder, packed.stdout.trim());
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist', 'cli') } } });
  console.log(await packCli(values.out));
}
