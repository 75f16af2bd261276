import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models, modelServers } from '../../src/controllers/kinds.ts';
import { persistentVolumeClaims, pods } from '../../src/kube/builtin.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { waitFor } from '../cluster/commands.ts';
import { standard } from '../hub/content.ts';
import { isReady, namespaces, readyReason, World } from './world.ts';

describe('a Model that is deleted', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const podOf = async (server: string): Promise<string> => {
    const labelSelector = `longshore.dev/server=${server}`;
    const { items } = await world.client.list(pods, { namespace: world.namespace, labelSelector });
    const running = items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
    return running?.metadata.name ?? '';
  };

  it('stays while a server uses it, whose pods can be started again, and goes with the server', async () => {
    await world.applyModel('used', { huggingFace: { repo: standard.gemma.repo } });
    const { status } = await world.model('used', isReady);
    const runtime = { contextSize: 512 };
    await world.applyServer('chat', { modelRef: { name: 'used' }, gpu: { count: 0 }, runtime });
    await world.server('chat', isReady);
    await world.kubectl(['delete', 'model', 'used', '--wait=false']);
    const told = await world.model('used', (model) => readyReason(model) === 'InUse');
    expect(findCondition(told.status?.conditions, 'Ready')?.message).toContain('ModelServers use it: chat.');

    const before = await podOf('chat');
    await world.kubectl(['delete', 'pod', before]);
    await world.server('chat', isReady);
    expect(await podOf('chat')).not.toBe(before);

    await world.kubectl(['delete', 'modelserver', 'chat']);
    await world.gone(models, 'used');
    await world.gone(persistentVolumeClaims, status?.artifact?.claimName ?? '');
  });

  it('goes with its namespace in the middle of a pull, with others that are used', async () => {
    await world.applyModel('served', {
      huggingFace: { repo: standard.twoQuants.repo, quantization: 'Q8_0' },
    });
    await world.model('served', isReady);
    // It will not load: what matters is that it mounts the claim.
    await world.applyServer('tiny', { modelRef: { name: 'served' }, gpu: { count: 0 } });
    await world.model('served', ({ metadata }) => (metadata.finalizers ?? []).length > 0);
    world.hub.setThrottle(1_000_000);
    await world.applyModel('pulled', { huggingFace: { repo: standard.gemma.repo } });
    await world.model('pulled', ({ status: now }) => (now?.progress?.percent ?? 0) >= 5);
    await world.client.delete(namespaces, { name: world.namespace });
    await world.gone(models, 'served');
    await world.gone(models, 'pulled');
    await world.gone(modelServers, 'tiny');
    await waitFor(
      'the namespace to be gone',
      () =>
        world.client.get(namespaces, { name: world.namespace }).then(
          () => undefined,
          (error: unknown) => isNotFound(error) || undefined,
        ),
      { timeout: 120_000, every: 500 },
    );
  });
});
