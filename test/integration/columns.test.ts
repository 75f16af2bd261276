import { describe, expect } from 'vitest';
import { modelServers } from '../../src/controllers/kinds.ts';
import { downloading, reports } from './fake-kubelet.ts';
import { it, itAlone } from './it.ts';
import { reasonOf } from './objects.ts';
import { kubectlGet } from './table.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

/** What a person's terminal has at least; the age of what is years old takes two characters more. */
const terminal = 100;

async function shown({ namespace }: World, name: string, ...options: string[]) {
  const { headings, rows, width } = await kubectlGet('models', name, '-n', namespace, ...options);
  return { headings, row: rows[0] ?? {}, width };
}

describe.concurrent('kubectl get models', () => {
  it('shows a pull in figures as people write them', async ({ world }) => {
    const { kubelet, models } = world;
    const sizeBytes = 4_683_073_536;
    const { inspection, publication } = weights({ sizeBytes });
    kubelet.plays({ model: 'pulled', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('pulled');
    const pull = await kubelet.next({ model: 'pulled', task: 'pull' });
    await pull.starts();
    pull.says(downloading(1_950_000_000, sizeBytes, { bytesPerSecond: 412_300_000, secondsLeft: 190.2 }));
    await models.untilOne('pulled', ({ status }) => status?.progress?.percent === 41);

    const { headings, row, width } = await shown(world, 'pulled');
    expect(headings).toEqual('NAME READY STATUS PROGRESS SIZE PARAMS QUANT SERVERS AGE'.split(' '));
    expect(row).toMatchObject({
      NAME: 'pulled',
      READY: 'False',
      STATUS: 'Pulling',
      PROGRESS: '41%',
      SIZE: '4.7GB',
      PARAMS: '8.0B',
      QUANT: 'Q4_K_M',
      SERVERS: '0',
      AGE: expect.stringMatching(/^\d+s$/) as string,
    });
    expect(width).toBeLessThan(terminal);

    const wide = await shown(world, 'pulled', '-o', 'wide');
    expect(wide.headings).toEqual([...headings.slice(0, -1), ...'SOURCE REVISION RATE ETA AGE'.split(' ')]);
    expect(wide.row).toMatchObject({
      SOURCE: 'hf:owner/name@main',
      REVISION: '',
      RATE: '412MB/s',
      ETA: '3m11s',
    });

    await pull.succeeds({ publication });
    await models.untilOne('pulled', (model) => reasonOf(model) === 'Ready');
    const done = await shown(world, 'pulled', '-o', 'wide');
    expect(done.row).toMatchObject({
      READY: 'True',
      STATUS: 'Ready',
      PROGRESS: '100%',
      REVISION: inspection.revision.slice(0, 12),
      RATE: '',
      ETA: '',
    });
  });

  it('has room for the longest words', async ({ world }) => {
    const name = 'm'.repeat(40);
    world.kubelet.plays({ model: name, task: 'inspect' }, async (pod) => {
      await pod.starts();
      await pod.fails({ failure: { reason: 'CredentialsForAnotherHost', message: 'No.' } }, 2);
    });
    await world.applyModel(name);
    await world.models.untilOne(name, (model) => reasonOf(model) === 'CredentialsForAnotherHost');
    const { row, width } = await shown(world, name);
    expect(row).toMatchObject({ STATUS: 'CredentialsForAnotherHost', PROGRESS: '', SIZE: '' });
    expect(width).toBeLessThan(terminal + 40);
  });

  it('counts the servers of a Model that come and go', async ({ world }) => {
    const { models } = world;
    const missing = { storage: { claimName: 'not-there' } };
    await world.applyModel('counted', missing);
    await world.applyModel('other', missing);
    const count = (name: string, servers: number) =>
      models.untilOne(name, ({ status }) => status?.servers === servers);
    await count('counted', 0);
    await world.applyServer('one', { model: 'counted' });
    await count('counted', 1);
    await world.applyServer('two', { model: 'counted' });
    await count('counted', 2);
    expect((await shown(world, 'counted')).row['SERVERS']).toBe('2');
    await world.applyServer('two', { model: 'other' });
    await Promise.all([count('counted', 1), count('other', 1)]);
    await world.client.delete(modelServers, world.ref('one'));
    await count('counted', 0);
  });
});

itAlone('many servers that are there already cost a Model one write', async ({ world }) => {
  const many = 60;
  await world.operator.kill();
  await world.applyModel('popular', { storage: { claimName: 'not-there' } });
  await Promise.all(
    Array.from({ length: many }, (_, i) => world.applyServer(`server-${i}`, { model: 'popular' })),
  );
  await world.startOperator();
  await world.servers.until('every server to be looked at', () =>
    world.servers.all().every((server) => reasonOf(server) === 'ModelNotReady'),
  );
  const counts = world.models.versions('popular').map(({ status }) => status?.servers);
  expect(counts).toEqual([undefined, many]);
});
