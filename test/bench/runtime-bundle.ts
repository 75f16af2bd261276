import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle.ts';

const root = join(import.meta.dirname, '..', '..');

export interface RuntimeBundle extends AsyncDisposable {
  /** The runtime as its image has it. */
  main: string;
  bareLoop: string;
  observer: string;
  /** Where they lie, and logs are kept. */
  folder: string;
}

export async function bundleRuntime(): Promise<RuntimeBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  await build({
    ...bundleOptions,
    entryPoints: {
      main: 'src/runtime-image/main.ts',
      'bare-loop': 'src/runtime-image/testing/bare-loop.ts',
      observer: 'test/bench/runtime-observer.ts',
    },
    external: ['node-llama-cpp'],
    outdir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(join(root, 'src/runtime-image/node_modules'), join(folder, 'node_modules'));
  return {
    main: join(folder, 'main.js'),
    bareLoop: join(folder, 'bare-loop.js'),
    observer: join(folder, 'observer.js'),
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
