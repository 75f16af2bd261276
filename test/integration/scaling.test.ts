import { describe, expect, inject } from 'vitest';
import { podDisruptionBudgets } from '../../src/kube/builtin.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { eventually } from './eventually.ts';
import { serves } from './fake-kubelet.ts';
import { it } from './it.ts';
import { isReady, reasonOf } from './objects.ts';
import type { World } from './world.ts';

const autoscalers: Kind<KubeObject & { spec: object }> = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  namespaced: true,
};

function kubectl({ namespace }: World, ...words: string[]): Promise<string> {
  return run(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), '-n', namespace, ...words]);
}

/** Who has written something of the spec, as the API server keeps it. */
async function writersOfSpec(world: World, name: string): Promise<string[]> {
  const text = await kubectl(world, 'get', 'modelserver', name, '-o', 'json', '--show-managed-fields');
  const { metadata } = JSON.parse(text) as {
    metadata: { managedFields: { manager: string; fieldsV1: object }[] };
  };
  return metadata.managedFields.filter(({ fieldsV1 }) => 'f:spec' in fieldsV1).map(({ manager }) => manager);
}

describe.concurrent('the number of replicas', () => {
  it('goes from none to two and back, and a budget comes and goes with them', async ({ world }) => {
    const { kubelet, servers, client } = world;
    await world.readyModel('sleeping');
    kubelet.always({ server: 'sleeping' }, serves);
    await world.applyServer('sleeping', { model: 'sleeping', replicas: 0 });
    await servers.untilOne('sleeping', (server) => reasonOf(server) === 'ScaledToZero');
    const budget = () => client.get(podDisruptionBudgets, world.ref('sleeping'));
    await expect(budget()).rejects.toMatchObject({ status: 404 });

    await kubectl(world, 'scale', 'modelserver/sleeping', '--replicas=2');
    await servers.untilOne('sleeping', (server) => isReady(server) && server.status?.ready === '2/2');
    expect((await budget()).spec).toMatchObject({ maxUnavailable: 1 });

    await kubectl(world, 'scale', 'modelserver/sleeping', '--replicas=0');
    await servers.untilOne(
      'sleeping',
      (server) => reasonOf(server) === 'ScaledToZero' && server.status?.replicas === 0,
    );
    await eventually(() => expect(budget()).rejects.toMatchObject({ status: 404 }));
  });

  it('is the autoscaler’s where there is one, and no pod is replaced for it', async ({ world }) => {
    const { kubelet, servers, client, pods } = world;
    await world.readyModel('scaled');
    kubelet.always({ server: 'autoscaled' }, serves);
    await world.applyServer('autoscaled', { model: 'scaled' });
    await servers.untilOne('autoscaled', isReady);
    const isOfServer = (name: string) => name.startsWith('autoscaled-');
    const first = pods.made().find(isOfServer);

    // No metrics are to be had in this cluster, so it goes by its bounds alone.
    const bounded = (minReplicas: number, maxReplicas: number) =>
      client.apply(autoscalers, {
        metadata: world.ref('autoscaled'),
        spec: {
          scaleTargetRef: { apiVersion: 'longshore.dev/v1alpha1', kind: 'ModelServer', name: 'autoscaled' },
          minReplicas,
          maxReplicas,
        },
      });
    await bounded(3, 5);
    await servers.untilOne('autoscaled', (server) => isReady(server) && server.status?.ready === '3/3');
    expect(pods.made().filter(isOfServer)).toHaveLength(3);
    expect(pods.get(first!)?.metadata.deletionTimestamp).toBeUndefined();
    await bounded(1, 2);
    await servers.untilOne('autoscaled', (server) => isReady(server) && server.status?.ready === '2/2');

    // An apply of what says nothing of replicas leaves them, and the operator has written none of it.
    await world.applyServer('autoscaled', { model: 'scaled', servedNames: ['other'] });
    const rolled = await servers.untilOne(
      'autoscaled',
      (server) => isReady(server) && server.spec.servedNames !== undefined,
    );
    expect(rolled.spec.replicas).toBe(2);
    const writers = await writersOfSpec(world, 'autoscaled');
    expect(writers).toContain('kubectl');
    expect(writers).not.toContain('longshore');
  });
});
