import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../test/cluster/commands.ts';
import { cacheFolder } from '../../test/cluster/places.ts';
import { gemma } from '../../test/hub/model.ts';
import { bundleOptions } from '../bundle.ts';
import { readElf } from './elf.ts';
import { keptThreadsLibrary, stageKeptThreads } from './kept-threads.ts';
import { runtimeFolder } from './npm-package.ts';
import { architectures, ownArchitecture } from './platform.ts';
import { stageLlama } from './stage.ts';
import type { Counted } from '../../src/runtime-image/testing/two-contexts.ts';

const request = { cache: join(cacheFolder(), 'images'), say: () => undefined };

describe('what keeps the threads of llama.cpp', () => {
  it('has them stay, one pool for all contexts that compute at the same time', async () => {
    const folder = await temporaryFolder();
    await stageLlama('cpu', folder, { ...request, architecture: ownArchitecture() });
    const { texts, before, seen, libraries } = await counted(join(folder, 'app'), {
      UV_THREADPOOL_SIZE: '2',
    });

    expect(texts).toEqual([' 5, 6, 7,', ' 5, 6, 7,']);
    expect(seen).toEqual(before);
    // llama.cpp's has the name of the one that made it.
    expect(Object.values(before).filter((name) => name === 'libuv-worker')).toHaveLength(3);
    expect(libraries).toContain(keptThreadsLibrary);
  }, 300_000);

  it.each(architectures)(
    'is compiled for %s on any machine, and asks for glibc alone',
    async (architecture) => {
      const folder = await temporaryFolder();
      await stageKeptThreads(folder, { ...request, architecture });
      expect((await readElf(join(folder, keptThreadsLibrary)))?.needed).toEqual(['libc.so.6']);
    },
    300_000,
  );
});

async function counted(app: string, env: Record<string, string>): Promise<Counted> {
  const program = join(app, 'two-contexts.mjs');
  await build({
    ...bundleOptions,
    entryPoints: [join(runtimeFolder, 'testing/two-contexts.ts')],
    external: ['node-llama-cpp'],
    outfile: program,
  });
  const { path } = await gemma();
  return JSON.parse(
    await run(process.execPath, [program, path], { env: { ...process.env, ...env } }),
  ) as Counted;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-kept-threads-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}
