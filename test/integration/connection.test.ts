import { describe, expect, inject, test } from 'vitest';
import { persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { eventually } from './eventually.ts';
import { downloading, reports } from './fake-kubelet.ts';
import { ownWorld } from './it.ts';
import { isReady, reasonOf } from './objects.ts';
import { InterruptibleProxy } from './proxy.ts';
import { weights } from './weights.ts';

const it = test
  .extend('proxy', async ({}, { onCleanup }) => {
    const proxy = await InterruptibleProxy.start(inject('kubeconfig'));
    onCleanup(() => proxy[Symbol.asyncDispose]());
    return proxy;
  })
  .extend('world', ({ proxy, task }, { onCleanup }) =>
    ownWorld({ operatorKubeconfig: proxy.kubeconfig }, task, onCleanup),
  );

const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });

describe.concurrent('an operator whose connections are cut', () => {
  it('carries a pull to its end, cut after cut', async ({ world, proxy }) => {
    const { kubelet, models } = world;
    await world.applyModel('m');
    const inspect = await kubelet.next({ model: 'm', task: 'inspect' });
    proxy.cut();
    await inspect.succeeds({ inspection });
    const pull = await kubelet.next({ model: 'm', task: 'pull' });
    await pull.starts();
    for (const percent of [10, 40, 70]) {
      proxy.cut();
      pull.says(downloading(percent * 10_000_000, publication.sizeBytes));
      await models.untilOne('m', ({ status }) => status?.progress?.percent === percent);
    }
    proxy.cut();
    await pull.succeeds({ publication });
    await models.untilOne('m', isReady);
    expect(world.jobs.made().length).toBe(2);
    expect(world.claims.made().length).toBe(1);
  });
});

describe.concurrent('an operator that is refused for a while', () => {
  it('sees what was made, changed and deleted in the meantime', async ({ world, proxy }) => {
    const { client, kubelet, models, claims, servers } = world;
    const [emptied] = await Promise.all([world.readyModel('emptied'), world.readyModel('deleted')]);
    await world.applyServer('s', { model: 'deleted' });
    await servers.untilOne('s', ({ status }) => status?.model?.name === 'deleted');
    const { claimName = '', claimUid } = emptied.status?.artifact ?? {};

    await proxy.down();
    await client.delete(persistentVolumeClaims, world.ref(claimName));
    await claims.untilGone(claimName);
    await client.delete(...world.modelRef('deleted'));
    // The server keeps it, as somebody does not want who cannot wait for an operator.
    await client.patch(...world.modelRef('deleted'), { metadata: { finalizers: null } });
    await models.untilGone('deleted');
    await world.applyModel('made');
    kubelet.plays({ model: 'emptied', task: 'pull' }, reports({ publication }));
    kubelet.provides('made', { inspection, publication });
    await proxy.up();

    await servers.untilOne('s', (server) => reasonOf(server) === 'ModelNotFound');
    await models.untilOne('made', isReady);
    const again = await models.untilOne(
      'emptied',
      (model) => isReady(model) && model.status?.artifact?.claimUid !== claimUid,
    );
    expect(again.status?.artifact?.claimUid).toBe(claims.get(claimName)?.metadata.uid);
  });

  it('is ready when there is an API server at last, and stops at once when there never is', async ({
    world,
    proxy,
  }) => {
    await world.operator.kill();
    await proxy.down();
    const operator = world.spawnOperator();
    world.log.length = 0;
    const refused = (): void => expect(world.log.join('\n')).toContain('list and watch interrupted');
    await eventually(refused);
    await proxy.up();
    await operator.ready();

    await world.operator.kill();
    await proxy.down();
    world.log.length = 0;
    const second = world.spawnOperator();
    await eventually(refused);
    const before = performance.now();
    expect(await second.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(8000);
  });
});
