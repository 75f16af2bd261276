import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Screen, widths } from '../clients/screen.ts';
import { standard } from '../hub/content.ts';
import { World } from './world.ts';

const program = join(import.meta.dirname, '../../src/cli/main.ts');

const environment = () => ({ ...process.env, KUBECONFIG: inject('e2e').kubeconfig });

interface Ended {
  exitCode: number | null;
  out: string;
  err: string;
}

describe('the command line', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Without a terminal, in the namespace of the world. */
  async function longshore(arguments_: readonly string[], input = ''): Promise<Ended> {
    const child = spawn(process.execPath, [program, '-n', world.namespace, ...arguments_], {
      env: environment(),
    });
    child.stdin.end(input);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { exitCode: await ended, out, err };
  }

  const inTerminal = (columns: number, ...words: string[]): Screen =>
    new Screen(columns, [process.execPath, program, '-n', world.namespace, ...words], environment());

  const pullOf = (name: string): string[] =>
    `pull ${standard.gemma.repo} --source huggingface --name ${name} --file ${standard.gemma.file} --endpoint ${world.hub.url}`.split(
      ' ',
    );

  it('pulls a model and says how far it is, once for each step', async () => {
    const { exitCode, out, err } = await longshore(pullOf('gemma'));
    expect(err).toMatch(/^Resolving: /m);
    expect(out).toMatch(/^Model gemma is ready: 253MB, 268M, Q4_K_M, revision [0-9a-f]{12}\.\n$/);
    expect(exitCode).toBe(0);
    const again = await longshore(['pull', 'gemma', '--source', 'ollama']);
    expect(again).toMatchObject({ exitCode: 1, out: '' });
    expect(again.err).toContain('Model gemma is there already, with another spec.source.ollama');
    expect(await longshore(['pull', 'gemma'])).toMatchObject({ exitCode: 0, out });
  });

  it('finds it on the hub, with its files and their sizes', async () => {
    const hub = ['--endpoint', world.hub.url];
    const { out } = await longshore(['search', 'gemma', ...hub]);
    expect(out).toMatch(/^NAME +DOWNLOADS +LIKES +LICENSE/);
    expect(out).toContain(standard.gemma.repo);
    const details = await longshore(['search', standard.twoQuants.repo, ...hub]);
    expect(details.out).toMatch(
      /^Q4_K_M +\S+ +two-quants-Q4_K_M\.gguf +longshore -n \S+ pull .*:Q4_K_M --source huggingface$/m,
    );
    const [owner = ''] = standard.gemma.repo.split('/');
    const named = (author: string) =>
      longshore(['search', 'gemma', '--author', author, '--sort', 'likes', ...hub]);
    expect((await named(owner)).out).toContain(standard.gemma.repo);
    expect(await named('nobody')).toMatchObject({ exitCode: 0, out: '' });
    const missing = await longshore(['search', 'longshore/nothing', ...hub]);
    expect(missing).toMatchObject({ exitCode: 3, out: '' });
    expect(missing.err).toContain('has no repository longshore/nothing');
    expect((await longshore(['search', 'no-such-model', ...hub])).err).toContain(
      'Nothing with GGUF files matches',
    );
  });

  it('lists and shows it', async () => {
    const { out } = await longshore(['list']);
    expect(out).toMatch(/^NAME +READY +STATUS/);
    expect(out).toMatch(/^gemma +True +Ready +100% +253MB +268M +Q4_K_M +0 +\d+s$/m);
    expect((await longshore(['list', '-o', 'name'])).out).toBe('model.longshore.dev/gemma\n');
    expect((await longshore(['show', 'gemma'])).out).toMatch(/architecture +gemma3/);
  });

  it('loads it, and asks it', async () => {
    const loaded = await longshore(['load', 'gemma', '--name', 'talker', '--gpus', '0']);
    expect(loaded.err).toMatch(/Loading|Starting/);
    expect(loaded.out).toMatch(/^Server talker is ready \(1\/1\) at http:/);
    expect((await longshore(['ps'])).out).toMatch(/^talker +gemma +1\/1 +Ready +100% +0 /m);
    const { exitCode, out } = await longshore([
      'run',
      'gemma',
      '--max-tokens',
      '8',
      'What colour is the sky?',
    ]);
    expect(exitCode).toBe(0);
    expect(out.trim().length).toBeGreaterThan(0);
    // It asked the server that is there, and started none beside it.
    expect((await longshore(['ps', '-o', 'name'])).out).toBe('modelserver.longshore.dev/talker\n');
  });

  it.for(widths)('asks it, and talks with it, in a terminal of %d columns', async (columns) => {
    const options = ['--max-tokens', '2'];
    const { exitCode, text: said } = await inTerminal(columns, 'run', 'gemma', ...options, '1, 2,').ends();
    expect(said.trim().length).toBeGreaterThan(0);
    expect(exitCode).toBe(0);
    const chat = inTerminal(columns, 'chat', 'gemma', ...options);
    await chat.shows(/\/bye leaves[^]*>>> /);
    chat.types('What colour is the sky?');
    await chat.shows(/sky\?[^]*\S[^]*>>> $/);
    chat.types('/bye');
    expect(await chat.exit).toBe(0);
  });

  it('unloads it, and deletes nothing that is served', async () => {
    const refused = await longshore(['rm', 'gemma']);
    expect(refused).toMatchObject({ exitCode: 1, out: '' });
    expect(refused.err).toContain(`longshore -n ${world.namespace} unload talker`);
    expect((await longshore(['unload', 'talker'])).out).toContain('deleted');
  });

  it.for(widths)('keeps to a terminal of %d columns while it pulls', async (columns) => {
    const name = `wide-${columns}`;
    const screen = inTerminal(columns, ...pullOf(name));
    const { exitCode, text: said } = await screen.ends();
    expect(screen.lines.some((line) => /^Pulling [━─]{10,} +\d+%/.test(line))).toBe(true);
    const beforeTheEnd = screen.lines.filter((line) => !line.includes('is ready'));
    expect(Math.max(...beforeTheEnd.map((line) => line.length))).toBeLessThan(columns);
    expect(said).toContain(`Model ${name} is ready: 253MB`);
    expect(exitCode).toBe(0);
    await longshore(['rm', name]);
  });

  it('leaves a pull to the cluster on Ctrl-C, and says how to come back', async () => {
    const child = spawn(process.execPath, [program, '-n', world.namespace, ...pullOf('left')], {
      env: environment(),
    });
    const said = text(child.stderr);
    await world.model('left', ({ status }) => status?.conditions !== undefined);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(await said).toMatch(
      /Left Model left.*\nCome back with `longshore -n \S+ pull left`; stop it with `longshore -n \S+ rm left`\./,
    );
    expect(await longshore(['pull', 'left'])).toMatchObject({ exitCode: 0 });
    await longshore(['rm', 'left']);
  });

  it('deletes it, and knows it no more', async () => {
    expect((await longshore(['rm', 'gemma'])).out).toBe('model.longshore.dev/gemma deleted\n');
    await world.kubectl(['wait', '--for=delete', 'model/gemma', '--timeout=60s']);
    expect(await longshore(['show', 'gemma'])).toMatchObject({ exitCode: 3, out: '' });
    expect((await longshore(['list'])).err).toContain('There are no Models');
  });
});
