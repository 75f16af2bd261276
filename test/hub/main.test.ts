import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standard, standardOllama } from './content.ts';
import { manifestType } from './registry/push.ts';

// Every test starts processes, and a loaded machine is slow at that.
vi.setConfig({ testTimeout: 60_000 });

const main = new URL('main.ts', import.meta.url).pathname;
const Greeting = z.object({
  url: z.string(),
  repos: z.array(z.string()),
  registryUrl: z.string().optional(),
});

let running: ChildProcess | undefined;
afterEach(() => running?.kill('SIGKILL'));

async function start(...options: string[]) {
  const args = [main, '--tiny', '--port', '0', ...options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, ended: once(child, 'exit'), ...Greeting.parse(JSON.parse(line)) };
}

const childrenOf = async ({ pid }: ChildProcess): Promise<string[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean);

describe('the hub as a program', () => {
  it('serves the hub alone when nothing else is asked for', async () => {
    const { child, ended, ...greeting } = await start();
    expect(greeting.registryUrl).toBeUndefined();
    expect((await fetch(`${greeting.url}/api/models/${standard.gemma.repo}`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'serves the Ollama registry too, which ends with it: %s',
    async (signal) => {
      const { child, ended, registryUrl } = await start('--registry-port', '0', '--blob-host', 'localhost');
      const { model, tag } = standardOllama.gemma;
      const headers = { Accept: manifestType };
      const manifest = await fetch(`${registryUrl}/v2/${model}/manifests/${tag}`, { headers });
      expect(manifest.status).toBe(200);
      const storages = await childrenOf(child);
      expect(storages).toHaveLength(1);
      child.kill(signal);
      await ended;
      // Of a process that nobody has reaped yet, the program cannot be read any more either.
      const program = () => readlink(`/proc/${storages[0]}/exe`).catch(() => 'ended');
      await expect.poll(program, { timeout: 10_000 }).toBe('ended');
    },
  );
});
