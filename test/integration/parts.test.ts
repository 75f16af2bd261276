import { describe, expect } from 'vitest';
import { inUseFinalizer } from '../../src/controllers/labels.ts';
import { hasFinalizer } from '../../src/kube/finalizers.ts';
import { RuntimeSettings, settingsVariable } from '../../src/protocols/runtime.ts';
import { serves } from './fake-kubelet.ts';
import { it } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import type { PlayedPod } from './played-pod.ts';
import { commit, weights, type Weights } from './weights.ts';

/** What a puller would say of a LoRA adapter for models of an architecture. */
function anAdapter(architecture = 'qwen3', revision = commit('adapter')): Weights {
  const { inspection, publication } = weights({ revision, roles: ['adapter'], sizeBytes: 50_000_000 });
  return { inspection: { ...inspection, gguf: { architecture } }, publication };
}

function settingsOf(pod: PlayedPod): RuntimeSettings {
  const [container] = pod.spec.containers;
  const value = container?.env?.find(({ name }) => name === settingsVariable)?.value ?? '';
  return RuntimeSettings.parse(JSON.parse(value));
}

describe.concurrent('a ModelServer with further Models', () => {
  it('waits for each by name, loads them from their claims, says which, and keeps them from being deleted', async ({
    world,
  }) => {
    const { kubelet, models, servers } = world;
    await world.readyModel('base');
    const spec = {
      model: 'base',
      gpu: { count: 0 },
      runtime: { adapters: [{ modelRef: { name: 'sql' }, scale: 0.5 }], draftModelRef: { name: 'small' } },
    };
    await world.applyServer('base-server', spec);
    const lost = await servers.untilOne('base-server', isStalled);
    expect(summary(lost)).toBe('False/ModelNotFound False True');
    expect(conditionOf(lost, 'ModelReady')?.message).toContain('There is no Model "sql"');
    expect(conditionOf(lost, 'ModelReady')?.message).toContain('correct spec.runtime.adapters');

    const sql = await world.readyModel('sql', anAdapter());
    await servers.untilOne('base-server', (server) =>
      Boolean(conditionOf(server, 'ModelReady')?.message.includes('There is no Model "small"')),
    );
    await world.applyModel('small');
    const waiting = await servers.untilOne('base-server', (server) => reasonOf(server) === 'ModelNotReady');
    expect(conditionOf(waiting, 'ModelReady')?.message).toContain('Model "small": ');
    expect(world.deployments.get('base-server')).toBeUndefined();
    kubelet.provides('small', weights({ revision: commit('small') }));

    const pod = await kubelet.next({ server: 'base-server' });
    const small = await models.untilOne('small', isReady);
    const [ofAdapter, ofDraft] = [sql, small].map(({ status }) => status?.artifact);
    expect(settingsOf(pod)).toMatchObject({
      adapters: [
        {
          name: 'sql',
          path: `/parts/${ofAdapter?.claimName}/${ofAdapter?.path}/${ofAdapter?.files[0]?.path}`,
          scale: 0.5,
        },
      ],
      draftModelPath: `/parts/${ofDraft?.claimName}/${ofDraft?.path}/${ofDraft?.files[0]?.path}`,
    });
    for (const artifact of [ofAdapter, ofDraft]) {
      const volume = pod.spec.volumes?.find(
        ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === artifact?.claimName,
      );
      expect(volume?.persistentVolumeClaim?.readOnly).toBe(true);
      expect(pod.spec.containers[0]?.volumeMounts).toContainEqual({
        name: volume?.name,
        mountPath: `/parts/${artifact?.claimName}`,
        readOnly: true,
      });
    }
    await serves(pod);
    const ready = await servers.untilOne('base-server', isReady);
    expect(ready.status?.parts).toEqual(
      [
        { use: 'Adapter', name: 'sql', of: ofAdapter },
        { use: 'Draft', name: 'small', of: ofDraft },
      ].map(({ of, ...part }) => ({
        ...part,
        revision: of?.revision,
        digest: of?.digest,
        claimName: of?.claimName,
      })),
    );

    await models.untilOne('sql', (model) => hasFinalizer(model, inUseFinalizer));
    await world.client.delete(...world.modelRef('sql'));
    const held = await models.untilOne('sql', (model) => reasonOf(model) === 'InUse');
    expect(conditionOf(held, 'Ready')?.message).toContain('while ModelServers use it: base-server.');
    kubelet.always({ server: 'base-server' }, serves);
    await world.applyServer('base-server', { ...spec, runtime: { draftModelRef: { name: 'small' } } });
    await models.untilGone('sql');
    const without = await servers.untilOne('base-server', isReady);
    expect(without.status?.parts?.map(({ name }) => name)).toEqual(['small']);
  });

  it('rolls when one of them publishes another revision, and never takes one that is not published', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    await world.readyModel('plain');
    await world.readyModel('poems', anAdapter());
    kubelet.always({ server: 'rolled' }, serves);
    const runtime = { adapters: [{ modelRef: { name: 'poems' } }] };
    await world.applyServer('rolled', { model: 'plain', gpu: { count: 0 }, runtime });
    const before = await servers.untilOne('rolled', isReady);
    await world.applyModel('poems', { revision: 'next' });
    await world.models.untilOne('poems', (model) => reasonOf(model) === 'Resolving');
    expect(servers.get('rolled')).toSatisfy(isReady);
    expect(servers.get('rolled')?.status?.parts).toEqual(before.status?.parts);
    kubelet.provides('poems', anAdapter('qwen3', commit('next')));
    const after = await servers.untilOne(
      'rolled',
      (server) => isReady(server) && server.status?.parts?.[0]?.revision === commit('next'),
    );
    expect(after.status?.model).toEqual(before.status?.model);
  });

  it('says IncompatibleAdapter for one of another architecture, and makes no pod', async ({ world }) => {
    await world.readyModel('qwen');
    await world.readyModel('foreign', anAdapter('gemma3'));
    const runtime = { adapters: [{ modelRef: { name: 'foreign' } }] };
    await world.applyServer('mixed', { model: 'qwen', runtime });
    const stalled = await world.servers.untilOne('mixed', isStalled);
    expect(summary(stalled)).toBe('False/IncompatibleAdapter False True');
    expect(conditionOf(stalled, 'ModelReady')?.message).toContain(
      'The adapter of Model "foreign" is for the architecture gemma3, and "qwen" is qwen3.',
    );
    expect(world.deployments.get('mixed')).toBeUndefined();
  });

  it('says IncompatibleDraft in the words of the runtime', async ({ world }) => {
    await world.readyModel('large');
    await world.readyModel('odd', weights({ revision: commit('odd') }));
    await world.applyServer('drafted', { model: 'large', runtime: { draftModelRef: { name: 'odd' } } });
    const pod = await world.kubelet.next({ server: 'drafted' });
    await pod.starts();
    await pod.crashes({
      failure: { reason: 'IncompatibleDraft', message: 'its vocabulary is another: 7 tokens, and not 8' },
    });
    const stalled = await world.servers.untilOne('drafted', isStalled);
    expect(summary(stalled)).toBe('False/IncompatibleDraft False True');
    expect(conditionOf(stalled, 'Loaded')?.message).toContain('7 tokens, and not 8');
  });
});
