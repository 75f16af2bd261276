import { parseDuration } from '../../../api/duration.ts';
import { gpuResource } from '../../../api/gpu.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import {
  graceVariable,
  runtimePort,
  settingsVariable,
  type RuntimeSettings,
} from '../../../protocols/runtime.ts';
import { hardenedContainer } from '../../pod-security.ts';
import { loadSeconds } from '../rollout/deadlines.ts';
import type { Mounted } from './volumes.ts';

type Container = NonNullable<Pod['spec']>['containers'][number];

export interface ContainerParts {
  settings: RuntimeSettings;
  image: string;
  /** What it asks for where the spec says nothing of memory. */
  memory: string;
  /** Of all that is loaded, in bytes. */
  sizeBytes: number;
  volumes: readonly Mounted[];
}

/** The container that holds the weights and answers. */
export function runtimeContainer(
  server: Live<ModelServer>,
  { settings, image, memory, sizeBytes, volumes }: ContainerParts,
): Container {
  return {
    name: 'runtime',
    image,
    env: [
      { name: settingsVariable, value: JSON.stringify(settings) },
      { name: graceVariable, value: String(parseDuration(server.spec.rollout.gracePeriod)) },
      ...(server.spec.pod?.env ?? []),
    ],
    ports: [{ name: 'http', containerPort: runtimePort, protocol: 'TCP' }],
    resources: resourcesOf(server, memory),
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'http' },
      periodSeconds: 2,
      failureThreshold: 1,
    },
    // Bounds the load, which is over when this is; the other two begin then.
    startupProbe: {
      httpGet: { path: '/readyz', port: 'http' },
      periodSeconds: 2,
      failureThreshold: Math.ceil(loadSeconds(sizeBytes) / 2),
    },
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http' },
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
function resourcesOf({ spec: { gpu, pod } }: Live<ModelServer>, memory: string): Container['resources'] {
  const resource = gpuResource(gpu);
  const gpus = resource === undefined ? {} : { [resource]: String(gpu.count) };
  const claims = (gpu.resourceClaims ?? []).map(({ name }) => ({ name }));
  const { requests, limits } = pod?.resources ?? {};
  // A limit without a request is one too.
  const isSaid = requests?.['memory'] !== undefined || limits?.['memory'] !== undefined;
  return {
    requests: isSaid ? requests : { ...requests, memory },
    limits: { ...limits, ...gpus },
    ...(claims.length > 0 && { claims }),
  };
}
