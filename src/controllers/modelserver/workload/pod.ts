import type { ModelServer } from '../../../api/modelserver.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels, modelDigestAnnotation } from '../../labels.ts';
import { hardenedPod } from '../../pod-security.ts';
import type { Artifact } from '../artifact.ts';
import { bytesToLoad, type PublishedPart } from '../parts.ts';
import { terminationSeconds } from '../rollout/deadlines.ts';
import { runtimeSettings } from '../settings.ts';
import { runtimeContainer } from './container.ts';
import { podLabels } from './identity.ts';
import { placement } from './placement.ts';
import { accountName } from './service-account.ts';
import { podVolumes } from './volumes.ts';

type PodTemplate = NonNullable<Deployment['spec']>['template'];

/** What a pod is made for, beside the server. */
export interface PodParts {
  artifact: Artifact;
  image: string;
  /** What it asks for where the spec says nothing of memory. */
  memory: string;
  /** What is loaded beside the model. */
  parts?: readonly PublishedPart[];
  /** The uid of a claim whose pods all have to run on one node (../claims.ts). */
  volume?: string | undefined;
}

/** What every replica of a server is. A change of anything in it rolls the server. */
export function serverPod(
  server: Live<ModelServer>,
  { artifact, image, memory, parts = [], volume }: PodParts,
): PodTemplate {
  const { gpu, pod } = server.spec;
  const volumes = podVolumes(server, artifact, parts);
  const settings = runtimeSettings(server, artifact, parts);
  const sizeBytes = bytesToLoad(artifact, parts);
  const claims = gpu.resourceClaims ?? [];
  return {
    metadata: {
      labels: {
        ...pod?.labels,
        ...podLabels(server.metadata.name),
        ...(volume !== undefined && { [labels.volume]: volume }),
      },
      annotations: { ...pod?.annotations, [modelDigestAnnotation]: artifact.digest },
    },
    spec: {
      ...hardenedPod,
      serviceAccountName: accountName(server),
      ...(pod?.supplementalGroups && {
        securityContext: { ...hardenedPod.securityContext, supplementalGroups: pod.supplementalGroups },
      }),
      // A pod that is told to stop finishes the answers it has begun.
      terminationGracePeriodSeconds: terminationSeconds(server.spec.rollout),
      ...(pod?.imagePullSecrets && { imagePullSecrets: pod.imagePullSecrets }),
      ...placement(server, volume),
      ...(claims.length > 0 && { resourceClaims: claims }),
      containers: [runtimeContainer(server, { settings, image, memory, sizeBytes, volumes })],
      volumes: volumes.map(({ volume }) => volume),
    },
  };
}
