import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle.ts';

export interface Bundle extends AsyncDisposable {
  /** The operator as its image has it: what is bundled and how decides a third of its memory. */
  operator: string;
  /** As JavaScript: what Node loads to strip types would count as the operator's memory. */
  observer: string;
}

export async function bundleOperator(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  await build({
    ...bundleOptions,
    entryPoints: { operator: 'src/operator/main.ts', observer: 'test/bench/observer.ts' },
    outdir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return {
    operator: join(folder, 'operator.js'),
    observer: join(folder, 'observer.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
