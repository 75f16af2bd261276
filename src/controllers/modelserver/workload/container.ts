import { gpuResource } from '../../../api/gpu.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { runtimePort, settingsVariable } from '../../../protocols/runtime.ts';
import { hardenedContainer } from '../../pod-security.ts';
import { runtimeSettings, type Artifact } from '../settings.ts';
import type { Mounted } from './volumes.ts';

type Container = NonNullable<Pod['spec']>['containers'][number];

/** The container that holds the weights and answers. */
export function runtimeContainer(
  server: Live<ModelServer>,
  artifact: Artifact,
  image: string,
  volumes: readonly Mounted[],
): Container {
  return {
    name: 'runtime',
    image,
    env: [
      { name: settingsVariable, value: JSON.stringify(runtimeSettings(server, artifact)) },
      ...(server.spec.pod?.env ?? []),
    ],
    ports: [{ name: 'http', containerPort: runtimePort, protocol: 'TCP' }],
    resources: resourcesOf(server),
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'http' },
      periodSeconds: 2,
      failureThreshold: 1,
    },
    // The process answers while it loads, so this bounds its start and not the load.
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http' },
      initialDelaySeconds: 30,
      periodSeconds: 10,
      timeoutSeconds: 10,
      failureThreshold: 6,
    },
    terminationMessagePolicy: 'File',
    volumeMounts: volumes.map(({ volume, mount }) => ({ name: volume.name, ...mount })),
    ...hardenedContainer,
  };
}

/** Extended resources cannot be overcommitted: the request follows the limit by itself. */
function resourcesOf({ spec: { gpu, pod } }: Live<ModelServer>): Container['resources'] {
  const resource = gpuResource(gpu);
  const gpus = resource === undefined ? {} : { [resource]: String(gpu.count) };
  const claims = (gpu.resourceClaims ?? []).map(({ name }) => ({ name }));
  return {
    requests: pod?.resources?.requests,
    limits: { ...pod?.resources?.limits, ...gpus },
    ...(claims.length > 0 && { claims }),
  };
}
