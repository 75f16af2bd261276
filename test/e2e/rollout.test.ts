import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { pods } from '../../src/kube/builtin.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import type { Live } from '../../src/kube/kind.ts';
import { standard } from '../hub/content.ts';
import { Load } from './load.ts';
import { isReady, World } from './world.ts';

const { repo, file } = standard.gemma;

describe('a server that is asked all the time', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    await world.applyModel('gemma', { huggingFace: { repo, files: [file, 'config.json'] } });
    await world.model('gemma', isReady);
    await world.applyServer('gemma', server());
    await world.server('gemma', isReady);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Each pod loads in a second or two; what waits for room does not wait long. */
  const server = (spec: object = {}, contextSize = 256): Record<string, unknown> => ({
    modelRef: { name: 'gemma' },
    runtime: { contextSize },
    rollout: { drainAfter: '2s' },
    ...spec,
  });
  const rolledOut = ({ status }: Live<ModelServer>) => findCondition(status?.conditions, 'RolledOut');
  const isWhole = (object: Live<ModelServer>) => isReady(object) && rolledOut(object)?.status === 'True';

  it('turns to another revision without a request that fails, and each answer says which it is of', async () => {
    const load = await Load.start(world, 'gemma');
    const old = (await world.server('gemma', isWhole)).status?.model?.digest ?? '';
    const files = { 'config.json': '{"model_type": "gemma3_text", "release": 2}' };
    const revision = await world.hub.updateRepo(repo, { files });
    await world.applyModel('gemma', { huggingFace: { repo, revision, files: [file, 'config.json'] } });
    const whole = await world.server(
      'gemma',
      (object) => isWhole(object) && object.status?.model?.digest !== old,
    );
    const now = whole.status?.model?.digest ?? '';
    // The old pod answers on until every node's rules have the new one: kube-proxy takes its time.
    await load.until('an answer of the new revision', ({ digests }) => digests[now] !== undefined);
    const { answered, failed, digests, errors } = await load.end();
    console.error(`surge with one replica: ${answered} answered, ${failed} failed`);
    expect(errors).toEqual([]);
    expect(failed).toBe(0);
    expect(Object.keys(digests).toSorted()).toEqual([old, now].toSorted());
  });

  it('is scaled to zero, to one, and to two by an autoscaler that has nothing but its bounds', async () => {
    await world.kubectl(['scale', 'modelserver', 'gemma', '--replicas=0']);
    const none = await world.server('gemma', (object) => isReady(object) && object.status?.ready === '0/0');
    expect(none.status?.replicas).toBe(0);
    // Both take all GPUs that there are.
    await world.applyServer('gemma', server({ gpu: { count: 2 } }));
    await world.kubectl(['scale', 'modelserver', 'gemma', '--replicas=1']);
    await world.apply({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'gemma' },
      spec: {
        scaleTargetRef: { apiVersion: 'longshore.dev/v1alpha1', kind: 'ModelServer', name: 'gemma' },
        minReplicas: 2,
        maxReplicas: 3,
      },
    });
    const two = await world.server('gemma', (object) => isWhole(object) && object.status?.ready === '2/2');
    expect(two.status?.rollout).toBeUndefined();
    await world.kubectl(['delete', 'horizontalpodautoscaler', 'gemma']);
  });

  it('drains where no GPU is left for a pod more, without a request that fails', async () => {
    const load = await Load.start(world, 'gemma');
    await world.applyServer('gemma', server({ gpu: { count: 2 } }, 512));
    const draining = await world.server('gemma', (object) => rolledOut(object)?.reason === 'Draining');
    expect(draining.status?.rollout?.strategy).toBe('Drain');
    const whole = await world.server('gemma', isWhole);
    expect(whole.status?.ready).toBe('2/2');
    const { answered, failed, errors } = await load.end();
    console.error(`drain with two replicas: ${answered} answered, ${failed} failed`);
    expect(errors).toEqual([]);
    expect(failed).toBe(0);
    const labelSelector = 'longshore.dev/server=gemma';
    const { items } = await world.client.list(pods, { namespace: world.namespace, labelSelector });
    const settings = items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec?.containers[0]?.env?.[0]?.value);
    expect(settings).toHaveLength(2);
    for (const each of settings) expect(each).toContain('"contextSize":512');
  });

  it('is scaled to zero again', async () => {
    await world.kubectl(['scale', 'modelserver', 'gemma', '--replicas=0']);
    const none = await world.server('gemma', (object) => isReady(object) && object.status?.ready === '0/0');
    expect(findCondition(none.status?.conditions, 'Available')?.reason).toBe('ScaledToZero');
  });
});
