import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle.ts';

export interface PullerBundle extends AsyncDisposable {
  /** The puller as its image has it. */
  puller: string;
}

export async function bundlePuller(): Promise<PullerBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  await build({
    ...bundleOptions,
    entryPoints: { puller: 'src/puller/main.ts', 'hash-worker': 'src/puller/transfer/hash-worker.ts' },
    outdir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return {
    puller: join(folder, 'puller.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
