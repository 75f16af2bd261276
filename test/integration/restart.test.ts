import { describe, expect } from 'vitest';
import { expectReadyOnce } from './expect-ready-once.ts';
import { downloading, reports, serves } from './fake-kubelet.ts';
import { itAlone } from './it.ts';
import { conditionOf, isReady } from './objects.ts';
import { commit, weights } from './weights.ts';
import type { World } from './world.ts';

const content = weights({ sizeBytes: 1_000_000_000 });
const { inspection, publication } = content;

const expectReady = (world: World, name: string) => expectReadyOnce(world, name, publication);

interface Moment {
  moment: string;
  /** Resolves at the moment. */
  reach: (world: World) => Promise<unknown>;
}

/** Moments at which the operator has just done something, or has just been given something to do. */
const moments: Moment[] = [
  {
    moment: 'the inspection has ended',
    reach: async ({ kubelet }) => {
      const inspect = await kubelet.next({ model: 'm', task: 'inspect' });
      await inspect.succeeds({ inspection });
    },
  },
  {
    moment: 'the claim is made',
    reach: async ({ kubelet, claims }) => {
      kubelet.plays({ model: 'm', task: 'inspect' }, reports({ inspection }));
      await claims.until('a claim', () => claims.all()[0]);
    },
  },
  {
    moment: 'the pull Job is made',
    reach: async ({ kubelet, jobs }) => {
      kubelet.plays({ model: 'm', task: 'inspect' }, reports({ inspection }));
      await jobs.until('a pull Job', () => jobs.made()[1]);
    },
  },
  {
    moment: 'the pull has ended',
    reach: async ({ kubelet }) => {
      kubelet.plays({ model: 'm', task: 'inspect' }, reports({ inspection }));
      const pull = await kubelet.next({ model: 'm', task: 'pull' });
      await pull.succeeds({ publication });
    },
  },
];

describe.concurrent('an operator that is killed', () => {
  itAlone('while pods wait and run goes on with what they did in the meantime', async ({ world }) => {
    const { kubelet, models } = world;
    await Promise.all(['waiting', 'inspecting', 'pulling'].map((name) => world.applyModel(name)));
    kubelet.plays({ model: 'pulling', task: 'inspect' }, reports({ inspection }));
    const waiting = await kubelet.next({ model: 'waiting', task: 'inspect' });
    const inspecting = await kubelet.next({ model: 'inspecting', task: 'inspect' });
    await inspecting.starts();
    const pulling = await kubelet.next({ model: 'pulling', task: 'pull' });
    await pulling.starts();
    pulling.says(downloading(600_000_000, publication.sizeBytes));
    await models.untilOne('pulling', ({ status }) => status?.progress?.percent === 60);

    await world.operator.kill();
    await Promise.all([
      waiting.succeeds({ inspection }),
      inspecting.succeeds({ inspection }),
      pulling.succeeds({ publication }),
    ]);
    world.kubelet.provides('waiting', content);
    world.kubelet.provides('inspecting', content);
    await world.startOperator();
    await Promise.all(['waiting', 'inspecting', 'pulling'].map((name) => expectReady(world, name)));
  });

  itAlone.for(moments)('as soon as $moment goes on where it was', async ({ reach }, { world }) => {
    await world.applyModel('m');
    await reach(world);
    await world.operator.kill();
    world.kubelet.provides('m', content);
    await world.startOperator();
    await expectReady(world, 'm');
  });

  itAlone(
    'while a source is asked again, and while what it has moved to is pulled, takes what it finds',
    async ({ world }) => {
      const { kubelet, models } = world;
      const moved = weights({ sizeBytes: 1_000_000_000, revision: commit('moved') });
      const first = await world.readyModel('m', content, { update: { policy: 'OnChange' } });
      await world.letTimePass('m');
      const check = await kubelet.next({ model: 'm', task: 'inspect' });
      await world.operator.kill();
      await check.succeeds({ inspection: moved.inspection });
      await world.startOperator();
      const pull = await kubelet.next({ model: 'm', task: 'pull' });
      await pull.starts();
      await models.untilOne('m', ({ status }) => status?.resolved?.revision === commit('moved'));
      expect(models.get('m')?.status?.artifact).toEqual(first.status?.artifact);
      await world.operator.kill();
      await pull.succeeds({ publication: moved.publication });
      await world.startOperator();
      const ready = await models.untilOne(
        'm',
        ({ status }) => status?.artifact?.revision === commit('moved'),
      );
      expect(ready.status?.history?.map(({ change }) => change)).toEqual(['SourceMoved', 'First']);
      for (const task of ['inspect', 'pull'] as const) expect(world.jobsOf('m', task)).toHaveLength(2);
    },
  );

  itAlone('as soon as the Deployment of a server is made goes on to its Service', async ({ world }) => {
    const { kubelet, deployments, servers, services } = world;
    await world.readyModel('m');
    await world.applyServer('s', { model: 'm', gpu: { count: 0 } });
    await deployments.until('a Deployment', () => deployments.all()[0]);
    await world.operator.kill();
    kubelet.always({ server: 's' }, serves);
    await world.startOperator();
    await servers.untilOne('s', isReady);
    expect(deployments.made()).toEqual(['s']);
    expect(services.made()).toEqual(['s']);
    expect(world.pods.made().filter((name) => name.startsWith('s-')).length).toBe(1);
  });

  itAlone('does not lose what is changed and deleted while there is none', async ({ world }) => {
    const { client, models, claims } = world;
    world.kubelet.provides('gone', content);
    world.kubelet.provides('edited', content);
    await world.applyModel('gone');
    await world.applyModel('edited');
    await Promise.all([models.untilOne('gone', isReady), models.untilOne('edited', isReady)]);
    const [kept, lost] = ['edited', 'gone'].map(
      (name) => models.get(name)?.status?.artifact?.claimName ?? '',
    );
    await world.operator.kill();
    await client.delete(...world.modelRef('gone'));
    await world.applyModel('edited', { storage: { size: '1Gi' }, puller: { nodeSelector: { a: 'b' } } });
    world.kubelet.provides('new', content);
    await world.applyModel('new');
    await world.startOperator();
    await models.untilOne('new', isReady);
    await models.untilOne('edited', (model) => conditionOf(model, 'Ready')?.observedGeneration === 2);
    await claims.untilGone(lost ?? '');
    expect(claims.get(kept ?? '')).toBeDefined();
  });
});

describe.concurrent('an operator that is told to stop', () => {
  itAlone('ends with 0 and promptly, in the middle of a pull', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'm', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('m');
    const pull = await kubelet.next({ model: 'm', task: 'pull' });
    await pull.starts();
    pull.says(downloading(100_000_000, publication.sizeBytes));
    await models.untilOne('m', ({ status }) => status?.progress?.percent === 10);
    const before = performance.now();
    expect(await world.operator.stop()).toBe(0);
    // Of which it takes up to ten seconds for reconciles that do not end.
    expect(performance.now() - before).toBeLessThan(8000);
    expect(world.log.at(-1)).toContain('operator stopped');
  });
});
