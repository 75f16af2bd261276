import type { ModelServer } from '../../../api/modelserver.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { apiKeysFolder } from '../../../protocols/runtime.ts';
import type { Artifact } from '../artifact.ts';
import { claimFolder, furtherClaims, type PublishedPart } from '../parts.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Volume = NonNullable<PodSpec['volumes']>[number];
type Mount = NonNullable<PodSpec['containers'][number]['volumeMounts']>[number];

/** A volume of the pod, and where the runtime sees it. */
export interface Mounted {
  volume: Volume;
  mount: Omit<Mount, 'name'>;
}

/** Everything that a pod of a server has on disk. Weights and keys are read-only; /tmp and shared memory are where it may write. */
export function podVolumes(
  { spec }: Live<ModelServer>,
  artifact: Artifact,
  parts: readonly PublishedPart[],
): Mounted[] {
  const { claimName } = artifact;
  const { sharedMemorySize } = spec.pod ?? {};
  return [
    weights('models', claimName, claimName),
    // Each claim once: a pod that has one under two names may wait for it for ever.
    ...furtherClaims(artifact, parts).map((further, i) => weights(`part-${i + 1}`, further, claimName)),
    { volume: { name: 'tmp', emptyDir: {} }, mount: { mountPath: '/tmp' } },
    ...(sharedMemorySize === undefined ? [] : [sharedMemory(sharedMemorySize)]),
    ...(spec.auth ? [apiKeys(spec.auth.secretName)] : []),
  ];
}

function weights(name: string, claimName: string, ownClaim: string): Mounted {
  return {
    volume: { name, persistentVolumeClaim: { claimName, readOnly: true } },
    mount: { mountPath: claimFolder(claimName, ownClaim), readOnly: true },
  };
}

/** Optional, so that a Secret that is not there becomes an error with a name instead of a pod that never starts. */
function apiKeys(secretName: string): Mounted {
  return {
    volume: { name: 'api-keys', secret: { secretName, optional: true, defaultMode: 0o440 } },
    mount: { mountPath: apiKeysFolder, readOnly: true },
  };
}

function sharedMemory(sizeLimit: string): Mounted {
  return {
    volume: { name: 'shared-memory', emptyDir: { medium: 'Memory', sizeLimit } },
    mount: { mountPath: '/dev/shm' },
  };
}
