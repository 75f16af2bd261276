import {
  events,
  persistentVolumeClaims,
  type Job,
  type PersistentVolumeClaim,
} from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { CollectRequest, requestVariable } from '../../src/protocols/puller.ts';
import { eventually } from './eventually.ts';
import type { PlayedPod } from './played-pod.ts';
import type { World } from './world.ts';

/** A claim as people make one. */
export function makeClaim(
  { client, namespace }: World,
  name: string,
  { accessModes = ['ReadWriteMany'], ...spec }: NonNullable<PersistentVolumeClaim['spec']> = {},
): Promise<Live<PersistentVolumeClaim>> {
  const resources = { requests: { storage: '1Ti' } };
  return client.create(persistentVolumeClaims, {
    metadata: { namespace, name },
    spec: { accessModes, resources, storageClassName: '', ...spec },
  });
}

/** The Jobs that stand for what Models of this name have on claims that are not theirs, or remove it. */
export function leftoversOf({ jobs }: World, model: string): Live<Job>[] {
  return jobs
    .all()
    .filter(({ metadata }) => metadata.name.startsWith(`${model}-collect-`) && !metadata.ownerReferences);
}

/** What a pod that collects was asked for. */
export function asked({ spec }: PlayedPod): CollectRequest {
  const { value = '' } = spec.containers[0]?.env?.find(({ name }) => name === requestVariable) ?? {};
  return CollectRequest.parse(JSON.parse(value));
}

/** Resolves with the text of an event of a claim, once there is one. */
export function told({ client, namespace }: World, claim: string, reason: string): Promise<string> {
  return eventually(async () => {
    const { items } = await client.list(events, { namespace });
    const found = items.find(
      ({ regarding, reason: said }) =>
        regarding?.kind === 'PersistentVolumeClaim' && regarding.name === claim && said === reason,
    );
    if (!found) throw new Error(`claim ${claim} has no event ${reason}`);
    return found.note ?? '';
  });
}
