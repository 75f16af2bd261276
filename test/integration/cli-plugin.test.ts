import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject } from 'vitest';
import { packCli } from '../../scripts/cli.ts';
import { it as itInWorld } from './it.ts';
import { weights } from './weights.ts';

const run = promisify(execFile);

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** `it` with the package as npm installs it, on the PATH of kubectl. */
const it = itInWorld.extend('kubectl', { scope: 'file' }, async ({ world }, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-plugin-'));
  onCleanup(() => rm(folder, { recursive: true }));
  const packed = await packCli(join(folder, 'cli'));
  const install = ['install', '--global', '--offline', '--no-audit', '--no-fund', '--prefix', folder, packed];
  await run('npm', install);
  const path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
  return (...words: string[]): Promise<Ended> =>
    run(inject('kubectl'), words, {
      env: { ...process.env, PATH: path, KUBECONFIG: world.kubeconfig },
    }).then(
      (ended) => ({ code: 0, ...ended }),
      (error: unknown) => error as Ended,
    );
});

describe.concurrent('the command line as a plugin of kubectl', () => {
  it('is found, and works on the cluster of the kubeconfig', async ({ world, kubectl }) => {
    await world.readyModel('plugged', weights(), { repo: 'owner/plugged' });
    const here = ['-n', world.namespace];
    expect((await kubectl('longshore', 'list', '-o', 'name', ...here)).stdout).toContain(
      'model.longshore.dev/plugged\n',
    );
    expect((await kubectl('plugin', 'list')).stdout).toMatch(/kubectl-longshore$/m);
  });

  it('says how it is called there', async ({ world, kubectl }) => {
    expect((await kubectl('longshore', '--help')).stdout).toMatch(/^Usage: kubectl longshore /);
    const missing = await kubectl('longshore', 'unload', 'nothing', '-n', world.namespace);
    expect(missing).toMatchObject({ code: 3, stdout: '' });
    expect(missing.stderr).toContain(`with \`kubectl longshore -n ${world.namespace} ps\``);
  });

  it('has its words completed by kubectl', async ({ kubectl }) => {
    expect((await kubectl('__complete', 'longshore', 'l')).stdout).toMatch(/^list\t.*\nload\t.*\n:4\n/);
    expect((await kubectl('__complete', 'longshore', 'list', '-o', '')).stdout).toMatch(
      /^json\nyaml\nname\n:4\n/,
    );
  });
});
