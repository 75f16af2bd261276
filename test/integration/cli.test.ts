import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe, expect } from 'vitest';
import { use, type Used } from '../../src/cli/testing/use.ts';
import { models } from '../../src/controllers/kinds.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { eventually } from './eventually.ts';
import { fails, serves } from './fake-kubelet.ts';
import { it, managed, type Longshore } from './cli-it.ts';
import { speaks, writeKeys } from './gateway-it.ts';
import { weights } from './weights.ts';

async function ended(child: ChildProcessWithoutNullStreams, input: string): Promise<Used> {
  child.stdin.end(input);
  const exit = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { exitCode: await exit, out, err };
}

/** What is printed, whatever the name and however to get there again. */
const alike = ({ exitCode, out, err }: Used, name: string): Used => ({
  exitCode,
  out: out.replaceAll(name, 'NAME'),
  err: err
    .replaceAll(name, 'NAME')
    .replaceAll(/longshore (--server \S+|-n \S+ --kubeconfig \S+)/g, 'longshore'),
});

describe.concurrent('the command line through a gateway', () => {
  it('lists and shows what it does through the kubeconfig, in each format', async ({ world, doors }) => {
    world.kubelet.always({ server: 'seen' }, serves);
    await world.readyModel('seen', weights(), { repo: 'owner/seen' });
    await world.applyServer('seen', { model: 'seen' });
    await world.servers.untilOne('seen', ({ status }) => status?.ready === '1/1');
    const looks = [
      ['show', 'seen'],
      ['show', 'seen', '-o', 'json'],
      ['show', 'seen', '-o', 'yaml'],
      ['show', 'seen', '-o', 'name'],
      ['show', 'nothing'],
      ...['list', 'ps'].flatMap((verb) => [
        [verb],
        [verb, '-A'],
        [verb, '-o', 'json'],
        [verb, '-o', 'yaml'],
        [verb, '-o', 'name'],
      ]),
    ];
    // The kubeconfig lets its bearer see what other files make in namespaces of theirs; this gateway has one.
    const ours = (words: string[], out: string): string => {
      const text = out.replaceAll(/\d+[smhd]\b/g, 'AGE');
      if (!words.includes('-A')) return text;
      const rows = text
        .split('\n')
        .filter((row) => row.startsWith('NAMESPACE') || row.startsWith(world.namespace));
      return rows.join('\n').replaceAll(/ +/g, ' ');
    };
    // What other tests of the file make comes and goes in both.
    for (const words of looks) {
      await eventually(async () => {
        const [cluster, gateway] = await Promise.all([doors.cluster(...words), doors.gateway(...words)]);
        const place = `${words.join(' ')}:\n`;
        expect(place + ours(words, gateway.out)).toBe(place + ours(words, cluster.out));
        expect(gateway.exitCode).toBe(cluster.exitCode);
        expect(gateway.out + gateway.err).toContain(words.includes('nothing') ? 'There is no Model' : 'seen');
      }, 30_000);
    }
  });

  it('pulls, loads, unloads and deletes as it does through the kubeconfig', async ({ world, doors }) => {
    const all = new Map<string, Used[]>();
    for (const door of ['cluster', 'gateway'] as const) {
      const name = `made-by-${door}`;
      world.kubelet.provides(name, weights());
      world.kubelet.always({ server: name }, serves);
      const longshore = doors[door];
      const own = ['--source', 'huggingface', '--name', name];
      const ends: Used[] = [];
      const use = async (...words: string[]): Promise<void> => {
        const { err, ...rest } = alike(await longshore(...words), name);
        // How many steps were seen on the way is a matter of time.
        const isFollowing = ['pull', 'load'].includes(words[0] ?? '') && rest.exitCode === 0;
        ends.push({ ...rest, err: isFollowing ? '' : err });
      };
      await use('pull', 'owner/name:Q4_K_M', ...own, '--size', '20Gi');
      await use('pull', name, '-o', 'name');
      await use('pull', 'owner/other', ...own);
      await use('load', name, '--gpus', '0', '--replicas', '1', '--context-size', '4096');
      await use('load', name, '--gpus', '2');
      await use('rm', name);
      await use('unload', name);
      await eventually(() => expect(world.servers.get(name)).toBeUndefined());
      await eventually(async () => expect((await longshore('ps')).out).not.toContain(name));
      await use('rm', name);
      // Until its finalizer is gone there is a Model that nothing serves.
      await eventually(async () => expect((await longshore('list')).out).not.toContain(name));
      await use('unload', name);
      await expect(world.client.get(models, world.ref(name))).rejects.toSatisfy(isNotFound);
      all.set(door, ends);
    }
    expect(all.get('gateway')).toEqual(all.get('cluster'));
    expect(all.get('cluster')?.map(({ exitCode }) => exitCode)).toEqual([0, 0, 1, 0, 1, 1, 0, 0, 3]);
  });

  it('says of a pull that cannot come about what it says through the kubeconfig', async ({
    world,
    doors,
  }) => {
    world.kubelet.always(
      { model: 'gated', task: 'inspect' },
      fails('GatedRepo', 'Ask for access at the hub.'),
    );
    const words = ['pull', 'owner/gated', '--source', 'huggingface', '--name', 'gated'];
    const [gateway, cluster] = [await doors.gateway(...words), await doors.cluster(...words)];
    expect(gateway).toMatchObject({ exitCode: 1, out: '' });
    expect(gateway.err).toMatch(/^Model gated: GatedRepo: .*Ask for access at the hub\.$/m);
    expect(cluster.err.split('\n').at(-2)).toBe(gateway.err.split('\n').at(-2));
  });

  it('asks a model once, with what is piped in, and talks with it', async ({ world, start }) => {
    world.kubelet.always({ server: 'talker' }, async (pod) => {
      pod.serves(speaks('It ', 'is ', 'blue.'));
      await serves(pod);
    });
    await world.readyModel('talker', weights(), { repo: 'owner/talker' });
    const blue = 'It is blue.\n';
    const first = await ended(start('run', 'talker', '--gpus', '0', 'What', 'colour?'), '');
    expect(first).toMatchObject({ exitCode: 0, out: blue });
    expect(first.err).toContain('Starting');
    expect(await ended(start('run', 'talker'), 'The sky?')).toEqual({ exitCode: 0, out: blue, err: '' });
    const lines = 'The sky?\n/clear\n/what\nAgain?\n/bye\nNever?\n';
    expect(await ended(start('chat', 'talker'), lines)).toEqual({
      exitCode: 0,
      out: blue + blue,
      err: 'There is no /what: /clear forgets, /bye leaves.\n',
    });
    expect(await ended(start('chat', 'talker'), 'The sky?')).toEqual({ exitCode: 0, out: blue, err: '' });
    expect(await ended(start('run', 'talker'), '')).toMatchObject({ exitCode: 2, out: '' });
  });

  it('leaves a pull to the cluster on Ctrl-C, and says how to come back the same way', async ({
    world,
    doors,
    gateway,
    start,
  }) => {
    const child = start('pull', 'left:8b');
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const inspect = await world.kubelet.next({ model: 'left-8b', task: 'inspect' });
    await eventually(() => expect(said).toContain('Resolving: '));
    child.kill('SIGINT');
    expect(await exit).toBe(130);
    const here = `longshore --server ${gateway.url}`;
    expect(said).toContain(`Come back with \`${here} pull left-8b\`; stop it with \`${here} rm left-8b\`.`);
    await inspect.starts();
    await inspect.succeeds({ inspection: weights().inspection });
    expect(await doors.gateway('rm', 'left-8b')).toMatchObject({ exitCode: 0 });
  });

  it('deletes nothing that others have written, and says whose it is', async ({ world, doors }) => {
    await world.readyModel('theirs', weights(), { repo: 'owner/theirs' });
    await eventually(async () => {
      const refused = await doors.gateway('rm', 'theirs');
      expect(refused).toMatchObject({ exitCode: 1, out: '' });
      expect(refused.err).toContain('is managed by kubectl');
    });
    expect(await doors.gateway('rm', 'theirs', '--force')).toMatchObject({ exitCode: 2 });
    expect(await doors.cluster('rm', 'theirs', '--force')).toMatchObject({ exitCode: 0 });
  });

  it('gets in with a key, as far as that may go', async ({ world, keysFolder, startGateway, program }) => {
    await writeKeys(keysFolder, 'team', 'of-asker infer', 'of-reader read', 'of-keeper read,manage');
    const { url } = await startGateway({ ...managed(world), LONGSHORE_API_KEYS: keysFolder });
    const as =
      (key: string): Longshore =>
      (...words) =>
        use('--server', url, '--api-key', key, ...words);
    const stranger = await use('--server', url, 'list');
    expect(stranger).toMatchObject({ exitCode: 4, out: '' });
    expect(stranger.err).toContain('Give a key of the gateway with --api-key or LONGSHORE_API_KEY.');
    expect((await as('wrong')('list')).err).toContain('The API key is none of this gateway.');
    expect((await as('of-asker')('list')).err).toContain('may infer; this needs one that may read or manage');
    expect(await as('of-reader')('ps', '-o', 'json')).toMatchObject({ exitCode: 0 });
    const reader = await as('of-reader')('pull', 'keyed:8b', '--no-wait');
    expect(reader).toMatchObject({ exitCode: 4, out: '' });
    expect(reader.err).toContain('may read; this needs one that may manage');
    expect(await as('of-keeper')('pull', 'keyed:8b', '--no-wait')).toMatchObject({
      exitCode: 0,
      out: 'model.longshore.dev/keyed-8b is being pulled.\n',
    });
    world.kubelet.always({ server: 'asked' }, async (pod) => {
      pod.serves(speaks('Yes.'));
      await serves(pod);
    });
    await world.readyModel('asked', weights(), { repo: 'owner/asked' });
    await world.applyServer('asked', { model: 'asked' });
    await world.servers.untilOne('asked', ({ status }) => status?.ready === '1/1');
    // Who may only ask sees nothing, and asks by name.
    const asker = (model: string): Promise<Used> => {
      const words = [program, '--server', url, '--api-key', 'of-asker', 'run', model, 'Well?'];
      return ended(spawn(process.execPath, words), '');
    };
    expect(await asker('asked')).toMatchObject({ exitCode: 0, out: 'Yes.\n' });
    expect((await asker('nobody')).err).toContain("'nobody' does not exist here");
  });

  it('knows what it reaches', async ({ doors, gateway }) => {
    const { out } = await doors.gateway('version', '-o', 'json');
    expect(JSON.parse(out)).toEqual({
      longshore: { version: 'from a checkout' },
      gateway: { version: 'from a checkout', at: gateway.url },
    });
    expect((await doors.cluster('version')).out).toMatch(/^longshore: from a checkout\noperator: /);
  });
});
