import type { Desired, Kind, KubeObject } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import type { World } from './world.ts';

export const quotas: Kind<KubeObject & { spec: object }> = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  namespaced: true,
};

/**
 * Makes a quota for the world's namespace and waits until the API server goes by it: it does so some time after it has
 * taken it. `excess` is what the quota has no room for.
 */
export async function enforceQuota<T extends KubeObject>(
  world: World,
  name: string,
  spec: object,
  excess: [Kind<T>, Omit<Desired<T>, 'metadata'>],
): Promise<void> {
  const { client, namespace } = world;
  await client.create(quotas, { metadata: world.ref(name), spec });
  const [kind, body] = excess;
  const probe = { ...body, metadata: { namespace, generateName: 'excess-' } } as Desired<T>;
  await eventually(async () => {
    const refusal = await client.create(kind, probe).catch(String);
    if (typeof refusal === 'string') {
      if (refusal.includes(`exceeded quota: ${name}`)) return;
      throw new Error(refusal);
    }
    await client.delete(kind, { namespace, name: refusal.metadata.name });
    throw new Error(`quota ${name} is not enforced`);
  });
}
