import { gpuResource, vendorOf } from '../../../api/gpu.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { selectorLabels } from './identity.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Spread = NonNullable<PodSpec['topologySpreadConstraints']>[number];

/**
 * Where the pods of a server may and should run. Nothing of it goes by the number of replicas: scaling would roll every
 * pod that there is.
 * @param volume the uid of a claim whose pods all have to run on one node (docs/adr/0032)
 */
export function placement(
  { metadata: { name }, spec: { gpu, pod } }: Live<ModelServer>,
  volume?: string,
): Partial<PodSpec> {
  const affinity =
    volume === undefined ? pod?.affinity : { ...pod?.affinity, podAffinity: besidePodsOn(volume) };
  return {
    nodeSelector: pod?.nodeSelector,
    tolerations: [...gpuTaints(gpu), ...(pod?.tolerations ?? [])],
    ...(affinity && { affinity }),
    topologySpreadConstraints: (pod?.topologySpread ?? usualSpread).map((spread) => ({
      ...spread,
      labelSelector: { matchLabels: selectorLabels(name) },
      // While a server rolls, the pods that go do not push the new ones about.
      matchLabelKeys: ['pod-template-hash'],
    })),
    ...(pod?.priorityClassName !== undefined && { priorityClassName: pod.priorityClassName }),
    ...(pod?.runtimeClassName !== undefined && { runtimeClassName: pod.runtimeClassName }),
  };
}

/** The first pod may go anywhere: kube-scheduler lets one that matches its own rule begin. */
function besidePodsOn(volume: string): NonNullable<NonNullable<PodSpec['affinity']>['podAffinity']> {
  const labelSelector = { matchLabels: { [labels.volume]: volume } };
  const term = { labelSelector, topologyKey: 'kubernetes.io/hostname' };
  return { requiredDuringSchedulingIgnoredDuringExecution: [term] };
}

/** A preference: a volume, or the GPUs that are free, may leave one node only. */
const usualSpread: Spread[] = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
  (topologyKey) => ({ topologyKey, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }),
);

/** Clusters keep other pods off their GPU nodes by a taint that has the name of the resource. */
function gpuTaints(gpu: ModelServer['spec']['gpu']): NonNullable<PodSpec['tolerations']> {
  const vendor = vendorOf(gpu);
  if (vendor === undefined) return [];
  // Slices and shared GPUs are on nodes that are tainted by the whole GPU.
  const whole = gpuResource({ count: 1, vendor });
  const keys = new Set([whole, gpuResource(gpu)].filter((key) => key !== undefined));
  return Array.from(keys, (key) => ({ key, operator: 'Exists' }));
}
