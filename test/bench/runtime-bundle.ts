import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle.ts';
import { ownArchitecture, type Say } from '../../scripts/images/platform.ts';
import { stageLlama } from '../../scripts/images/stage.ts';
import { cacheFolder } from '../cluster/places.ts';

const root = join(import.meta.dirname, '..', '..');

export interface RuntimeBundle extends AsyncDisposable {
  /** The runtime as its image has it. */
  main: string;
  bareLoop: string;
  observer: string;
  /** Where they lie, and logs are kept. */
  folder: string;
}

/**
 * The runtime with what its image for CPUs has beside it. Where GPUs compute it has node-llama-cpp as it is installed: what
 * the image for CUDA adds takes hours to compile.
 */
export async function bundleRuntime(gpu: boolean, say: Say): Promise<RuntimeBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  const app = join(folder, 'app');
  await mkdir(app);
  await bundle(app, { main: 'src/runtime-image/main.ts' });
  await bundle(folder, {
    'bare-loop': 'src/runtime-image/testing/bare-loop.ts',
    observer: 'test/bench/runtime-observer.ts',
  });
  const installed = join(root, 'src/runtime-image/node_modules');
  await symlink(installed, join(folder, 'node_modules'));
  if (!gpu) {
    const cache = join(cacheFolder(), 'images');
    await stageLlama('cpu', folder, { architecture: ownArchitecture(), cache, say });
  }
  return {
    main: join(app, 'main.js'),
    bareLoop: join(folder, 'bare-loop.js'),
    observer: join(folder, 'observer.js'),
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function bundle(folder: string, entryPoints: Readonly<Record<string, string>>): Promise<void> {
  await build({ ...bundleOptions, entryPoints, external: ['node-llama-cpp'], outdir: folder });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
}
