import { describe, expect } from 'vitest';
import { Screen, widths } from '../clients/screen.ts';
import { standard, standardRepos } from '../hub/content.ts';
import { startHub } from '../hub/hub.ts';
import { it as itAtBothDoors, managed } from './cli-it.ts';
import { eventually } from './eventually.ts';
import { downloading, serves } from './fake-kubelet.ts';
import { speaks } from './gateway-it.ts';
import { weights } from './weights.ts';

const it = itAtBothDoors.extend('hub', { scope: 'file' }, async ({}, { onCleanup }) => {
  const hub = await startHub({ repos: standardRepos({}) });
  onCleanup(() => hub.close());
  return hub;
});

describe.concurrent('in a terminal', () => {
  it.for(widths)('of %d columns a pull keeps to it', async (columns, { world, program, gateway }) => {
    const name = `wide-${columns}`;
    const words = [process.execPath, program, '--server', gateway.url, 'pull', 'owner/name'];
    const screen = new Screen(columns, [...words, '--source', 'huggingface', '--name', name]);
    const ended = screen.ends();
    const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });
    const inspect = await world.kubelet.next({ model: name, task: 'inspect' });
    await inspect.starts();
    await inspect.succeeds({ inspection });
    const pull = await world.kubelet.next({ model: name, task: 'pull' });
    await pull.starts();
    for (const percent of [25, 80]) {
      pull.says(downloading(percent * 10_000_000, 1_000_000_000));
      await screen.shows(new RegExp(` ${percent}%`));
    }
    await pull.succeeds({ publication });
    expect((await ended).exitCode).toBe(0);
    expect(screen.lines.some((line) => /^Pulling [━─]{10,} +25%/.test(line))).toBe(true);
    const beforeTheEnd = screen.lines.filter((line) => !line.includes('is ready'));
    expect(Math.max(...beforeTheEnd.map((line) => line.length))).toBeLessThan(columns);
    expect(screen.text).toContain(`Model ${name} is ready: 1.0GB`);
  });

  it.for(widths.flatMap((columns) => [[columns, 'cluster'] as const, [columns, 'gateway'] as const]))(
    'of %d columns each verb says what it should, through the %s',
    async ([columns, door], { world, startGateway, program, hub }) => {
      const name = `${door}-${columns}`;
      const gateway = await startGateway({ ...managed(world), LONGSHORE_HUB: hub.url });
      const way = {
        cluster: ['--kubeconfig', world.kubeconfig, '-n', world.namespace],
        gateway: ['--server', gateway.url],
      }[door];
      const saying = async (text: RegExp | string, ...words: string[]): Promise<void> => {
        const screen = new Screen(columns, [process.execPath, program, ...way, ...words]);
        const { exitCode, text: said } = await screen.ends();
        expect(said).toMatch(text);
        expect({ words, exitCode }).toEqual({ words, exitCode: 0 });
      };
      world.kubelet.provides(name, weights());
      world.kubelet.always({ server: name }, serves);
      await saying(`Model ${name} is ready`, 'pull', 'owner/name', '--source', 'huggingface', '--name', name);
      await saying(/NAME +READY +STATUS/, 'list');
      await saying('hf:owner/name@main', 'show', name);
      await saying(`http://${name}.`, 'load', name, '--gpus', '0');
      await saying(name, 'ps');
      await saying(name, 'unload', name);
      await eventually(() => expect(world.servers.get(name)).toBeUndefined());
      await eventually(() => saying(name, 'rm', name));
      const hubOf = { cluster: ['--endpoint', hub.url], gateway: [] }[door];
      await saying(standard.twoQuants.repo, 'search', 'two-quants', ...hubOf);
      await saying(/^longshore: \d/, 'version');
      await saying('complete', 'completion', 'bash');
    },
  );

  // By a kubeconfig there is a port-forward on the way, which a played pod has none of: that is in test/e2e/cli.test.ts.
  it.for(widths)(
    'of %d columns a model is asked, and talked with',
    async (columns, { world, gateway, program }) => {
      const name = `talker-${columns}`;
      world.kubelet.always({ server: name }, async (pod) => {
        pod.serves(speaks('It is ', 'blue.'));
        await serves(pod);
      });
      await world.readyModel(name);
      const start = (...words: string[]) =>
        new Screen(columns, [process.execPath, program, '--server', gateway.url, ...words]);
      const { exitCode, text } = await start('run', name, '--gpus', '0', 'What', 'colour?').ends();
      expect(text).toContain('It is blue.');
      expect(exitCode).toBe(0);
      const chat = start('chat', name);
      await chat.shows(/\/bye leaves/);
      chat.types('What colour?');
      await chat.shows(/It is blue\./);
      chat.types('/bye');
      expect(await chat.exit).toBe(0);
    },
  );
});
