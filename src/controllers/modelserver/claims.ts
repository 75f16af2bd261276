import type { ModelServer } from '../../api/modelserver.ts';
import type { Node, PersistentVolumeClaim, Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { Artifact } from './artifact.ts';
import type { Part } from './parts.ts';

/** A claim that a server has weights on. */
export interface WeightsClaim {
  claim: Live<PersistentVolumeClaim>;
  /** Which of its Models are there, as people are told: `Model "qwen"`. */
  of: readonly string[];
  /** Pods that mount it, of this server and of others. */
  pods: readonly Live<Pod>[];
}

/** Those that are seen, that of the model first. */
export function weightsClaims(
  { spec }: Live<ModelServer>,
  artifact: Artifact | undefined,
  parts: readonly Part[],
  find: (name: string) => Omit<WeightsClaim, 'of'> | undefined,
): WeightsClaim[] {
  const of = new Map<string, string[]>();
  const add = (name: string | undefined, what: string): void => {
    if (name !== undefined) of.set(name, [...(of.get(name) ?? []), what]);
  };
  add(artifact?.claimName, `Model "${spec.modelRef.name}"`);
  for (const { use, name, model } of parts) {
    add(model?.status?.artifact?.claimName, `${use === 'Draft' ? 'draft Model' : 'adapter Model'} "${name}"`);
  }
  return [...of].flatMap(([name, whose]) => {
    const found = find(name);
    return found ? { ...found, of: whose } : [];
  });
}

/** As bound; before that, as asked for. */
function accessModes({ spec, status }: Live<PersistentVolumeClaim>): readonly string[] {
  return status?.accessModes ?? spec?.accessModes ?? [];
}

/** Whether its volume can be on one node at a time, by what the claim says of itself. */
export function isOnOneNode(claim: Live<PersistentVolumeClaim>): boolean {
  const modes = accessModes(claim);
  return modes.length > 0 && !modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/** Whether one pod at a time may use it. */
export function isForOnePod(claim: Live<PersistentVolumeClaim>): boolean {
  return isOnOneNode(claim) && !accessModes(claim).includes('ReadWriteOnce');
}

/**
 * The claim whose pods are all kept on one node: those of this server and of others. None where each volume can be on many, and none where the
 * spec says itself how pods stand to each other: by affinity to pods, or by a spread.
 */
export function togetherFor(
  { spec }: Live<ModelServer>,
  claims: readonly WeightsClaim[],
): WeightsClaim | undefined {
  const { affinity, topologySpread = [] } = spec.pod ?? {};
  if (affinity?.podAffinity || affinity?.podAntiAffinity || topologySpread.length > 0) return undefined;
  return claims.find(({ claim }) => isOnOneNode(claim));
}

/** Where kube-scheduler has had the volume made: of a class that waits for the first pod. */
export const madeForAnnotation = 'volume.kubernetes.io/selected-node';

/** A claim in the words of people: `claim small-1 (draft Model "small", made for node b of zone y)`. */
export function claimInWords({ claim, of }: WeightsClaim, nodes: readonly Live<Node>[] = []): string {
  const { name, annotations } = claim.metadata;
  const node = annotations?.[madeForAnnotation];
  const zone = nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels?.[
    'topology.kubernetes.io/zone'
  ];
  const place =
    node === undefined ? [] : [`made for node ${node}${zone === undefined ? '' : ` of zone ${zone}`}`];
  return `claim ${name} (${[...of, ...place].join(', ')})`;
}
