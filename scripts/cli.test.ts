import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleCli } from './cli.ts';

const run = promisify(execFile);

describe('the packed command line', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-cli-'));
    program = await bundleCli(join(folder, 'cli'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('runs by itself, knows its version, and needs nothing beside it', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      version: string;
    };
    expect((await run(program, ['--version'])).stdout).toBe(`${version}\n`);
    const wrong = await run(program, ['--kubeconfig', '/nowhere', 'list']).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 4 });
    expect((wrong as { stderr: string }).stderr).toContain('The kubeconfig cannot be read');
  });

  it('reads no more for its help than the verbs: neither schemas nor what talks to a cluster', async () => {
    const text = await readFile(program, 'utf8');
    const atStart = [...text.matchAll(/\bimport(?:\{[^}]*\}from)?"(\.\/chunks\/[^"]+)"/g)];
    expect(atStart.length).toBeGreaterThan(0);
    for (const [, chunk = ''] of atStart) {
      expect((await readFile(join(folder, 'cli', chunk), 'utf8')).length).toBeLessThan(20_000);
    }
    expect(text.length).toBeLessThan(120_000);
  });
});
