import { describe, expect } from 'vitest';
import type { KubeClient } from '../../src/kube/client.ts';
import { isConflict, isNotFound, type ApiError } from '../../src/kube/errors.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../src/kube/finalizers.ts';
import type { Live } from '../../src/kube/kind.ts';
import { configMaps, it as inNamespace, type ConfigMap } from './config-maps.ts';

const [one, two] = ['test.longshore.dev/one', 'test.longshore.dev/two'] as const;

type Change = typeof addFinalizer | typeof removeFinalizer;

/** As a reconcile does: from what is known, and after a Conflict from what is there. Answers how often there was one. */
async function change(
  client: KubeClient,
  known: Live<ConfigMap>,
  write: Change,
  finalizer: string,
): Promise<number> {
  let object = known;
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      await write(client, configMaps, object, finalizer);
      return conflicts;
    } catch (error) {
      if (!isConflict(error)) throw error;
      object = await client.get(configMaps, known.metadata);
    }
  }
}

/** `it` with an object, off which all finalizers are taken in the end: one would keep its namespace from going. */
const it = inNamespace.extend('object', async ({ client, namespace }, { onCleanup }) => {
  const object = await create(client, namespace);
  onCleanup(async () => {
    try {
      await client.patch(configMaps, object.metadata, { metadata: { finalizers: [] } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  });
  return object;
});

function create(client: KubeClient, namespace: string): Promise<Live<ConfigMap>> {
  return client.create(configMaps, { metadata: { namespace, name: 'held' } });
}

/** `written`, or the status that a write was refused with; sorted. */
function outcomes(settled: PromiseSettledResult<unknown>[]): string[] {
  return settled
    .map((each) => (each.status === 'fulfilled' ? 'written' : `${(each.reason as ApiError).status}`))
    .toSorted();
}

describe.concurrent('finalizers on a real API server', () => {
  it('of two writers that start from the same version one has a Conflict, and no finalizer is lost', async ({
    client,
    object,
  }) => {
    const { metadata: ref } = object;
    const added = await Promise.allSettled([
      addFinalizer(client, configMaps, object, one),
      addFinalizer(client, configMaps, object, two),
    ]);
    expect(outcomes(added)).toEqual(['409', 'written']);
    await Promise.all([one, two].map((each) => change(client, object, addFinalizer, each)));
    const both = await client.get(configMaps, ref);
    expect(both.metadata.finalizers?.toSorted()).toEqual([one, two]);

    const removed = await Promise.allSettled([
      removeFinalizer(client, configMaps, both, one),
      removeFinalizer(client, configMaps, both, two),
    ]);
    expect(outcomes(removed)).toEqual(['409', 'written']);
    expect((await client.get(configMaps, ref)).metadata.finalizers).toHaveLength(1);
  });

  it('of many writers that come again after a Conflict every one has its own there', async ({
    client,
    object,
  }) => {
    const { metadata: ref } = object;
    const all = Array.from({ length: 8 }, (_, i) => `test.longshore.dev/writer-${i}`);
    const conflicts = await Promise.all(all.map((each) => change(client, object, addFinalizer, each)));
    expect(conflicts.filter((count) => count === 0)).toHaveLength(1);
    const full = await client.get(configMaps, ref);
    expect(full.metadata.finalizers?.toSorted()).toEqual(all);
    const [kept = '', ...rest] = all;
    await Promise.all(rest.map((each) => change(client, full, removeFinalizer, each)));
    expect((await client.get(configMaps, ref)).metadata.finalizers).toEqual([kept]);
  });

  it('keep a deleted object until the last is taken off; no new one is let on meanwhile', async ({
    client,
    object,
  }) => {
    const { metadata: ref } = object;
    const held = await addFinalizer(client, configMaps, object, one);
    expect(hasFinalizer(held, one)).toBe(true);
    // What is answered is the newest: the next write may start from it.
    const twice = await addFinalizer(client, configMaps, held, two);
    await client.delete(configMaps, ref);
    const ending = await client.get(configMaps, ref);
    expect(ending.metadata.deletionTimestamp).toBeDefined();
    await expect(removeFinalizer(client, configMaps, twice, one)).rejects.toMatchObject({ status: 409 });
    await expect(addFinalizer(client, configMaps, ending, `${one}-more`)).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
    });

    const left = await removeFinalizer(client, configMaps, ending, one);
    expect(left?.metadata.finalizers).toEqual([two]);
    const last = await removeFinalizer(client, configMaps, left ?? ending, two);
    expect(last?.metadata).not.toHaveProperty('finalizers');
    await expect(client.get(configMaps, ref)).rejects.toMatchObject({ status: 404 });
    expect(await removeFinalizer(client, configMaps, ending, two)).toBeUndefined();
    await expect(addFinalizer(client, configMaps, object, two)).rejects.toMatchObject({ status: 404 });
  });

  it('are not put on or taken off an object that has the place of a deleted one', async ({
    client,
    namespace,
    object,
  }) => {
    const first = await addFinalizer(client, configMaps, object, one);
    const { metadata: ref } = first;
    await client.delete(configMaps, ref);
    await change(client, first, removeFinalizer, one);
    const second = await addFinalizer(client, configMaps, await create(client, namespace), one);
    await expect(removeFinalizer(client, configMaps, first, one)).rejects.toMatchObject({ status: 409 });
    await expect(addFinalizer(client, configMaps, first, two)).rejects.toMatchObject({ status: 409 });
    expect((await client.get(configMaps, ref)).metadata).toMatchObject({
      uid: second.metadata.uid,
      finalizers: [one],
    });
  });
});
