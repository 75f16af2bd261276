import { findCondition } from '../../../kube/conditions.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Reason } from '../../../api/reasons.ts';
import { condense } from '../../text.ts';

/** What there is to know of a pod that the scheduler cannot know, or does not say. */
export interface Wants {
  /** By resource, how much each pod asks for, as the spec has it: `{'nvidia.com/gpu': '5'}`. */
  resources: Readonly<Record<string, string>>;
  /** By resource, what the node with most of it has; absent where nodes are not seen. */
  most: Readonly<Record<string, string>>;
  /** The claims of the weights, as people are told: `claim qwen-1 (Model "qwen")`. */
  claims: readonly string[];
  /** The one whose pods are all kept on one node. */
  together?: string | undefined;
}

export interface PlacementTrouble {
  reason: Extract<Reason, 'Unschedulable' | 'VolumeOutOfReach'>;
  message: string;
}

/** Why the scheduler has found no node for a pod, in words for people; undefined when it does not say that. */
export function unschedulable({ metadata, status }: Live<Pod>, wants: Wants): PlacementTrouble | undefined {
  const scheduled = findCondition(status?.conditions, 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  const said = scheduled.message ?? '';
  const reason = said.includes('volume node affinity conflict') ? 'VolumeOutOfReach' : 'Unschedulable';
  return { reason, message: `Pod ${metadata.name}: ${condense(explained(said, wants))}` };
}

/**
 * The words of the scheduler (kubernetes, `pkg/scheduler/framework/types.go`, FitError), such as
 *
 *     0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) were unschedulable. preemption: 0/3 nodes are ...
 *
 * What it says of preemption is left out: nothing of it helps. Words that are not of this form are left as they are.
 */
function explained(said: string, wants: Wants): string {
  const [, nodes, list] = /^0\/(\d+) nodes are available: (.*)$/s.exec(said) ?? [];
  if (nodes === undefined || list === undefined) return said;
  const counted = list.split(/\.\s+(?:preemption|no new claims)/)[0]?.replace(/\.\s*$/, '') ?? '';
  const parts = counted.split(/, (?=\d+ )/).map((part) => {
    const [, count = '', why = ''] = /^(\d+) (.*)$/s.exec(part) ?? [];
    return count === '' ? part : `${count} ${inWords(why, wants)}`;
  });
  return `none of ${nodes} ${nodes === '1' ? 'node' : 'nodes'} can take it: ${parts.join('; ')}.`;
}

function inWords(why: string, { resources, most, claims, together }: Wants): string {
  const [, resource] = /^Insufficient (\S+)$/.exec(why) ?? [];
  if (resource !== undefined) return `too little ${resource}${figures(resources[resource], most[resource])}`;
  const [, taint] = /^node\(s\) had untolerated taint(?:\(s\))? ?(.*)$/.exec(why) ?? [];
  if (taint !== undefined) {
    const named = taint.replace(/^\{(.*?)(?:[:=] ?)?\}$/, '$1');
    return `tainted${named && ` (${named})`}, which spec.pod.tolerations does not tolerate`;
  }
  const claim = claims.join(' or of ');
  const known: readonly (readonly [RegExp, string])[] = [
    [/^node\(s\) didn't match Pod's node affinity\/selector/, 'not of spec.pod.nodeSelector or affinity'],
    [/^node\(s\) were unschedulable/, 'cordoned'],
    [
      /^node\(s\) had volume node affinity conflict/,
      claims.length === 1
        ? `out of reach of the volume of ${claim}, which is bound to another node or zone`
        : `out of reach of the volume of ${claim}, each of which may be bound to a node or zone`,
    ],
    [
      /^node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod/,
      `kept out by ${claim}, which one pod at a time may use (ReadWriteOncePod)`,
    ],
    [/^node\(s\) didn't find available persistent volumes to bind/, `without a volume for ${claim}`],
    [
      /^node\(s\) didn't match pod affinity rules/,
      together === undefined
        ? 'not near the pods that spec.pod.affinity names'
        : `not where the volume of ${together} is, with the pods that use it`,
    ],
    [/^Too many pods/, 'full of pods'],
  ];
  return known.find(([words]) => words.test(why))?.[1] ?? why;
}

function figures(wanted: string | undefined, most: string | undefined): string {
  if (wanted === undefined) return '';
  return most === undefined ? ` (${wanted} wanted)` : ` (${wanted} wanted, no node has more than ${most})`;
}
