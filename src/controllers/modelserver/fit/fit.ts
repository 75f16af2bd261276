import { memoryInWords, weightsOf } from '../../../gguf/fit.ts';
import type { Node } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { ServerView } from '../view.ts';
import { wouldFit } from './advice.ts';
import { gpuRoom, type GpuRoom } from './gpu-room.ts';
import { allocatable, isSelected } from './node.ts';
import { needOf, runtimeBytes, type Need } from './need.ts';

/**
 * Why no node has the memory for a replica, and what would fit; undefined where one has, or may have.
 *
 * May have: where nodes are not seen, where there are none, where those with enough GPUs do not say their memory, and where
 * the header of the model does not say its needs. That there are too few GPUs says the scheduler, who knows of taints and of
 * affinity too.
 */
export function noNodeFits({
  server,
  model,
  parts,
  nodes = [],
  devices = [],
}: ServerView): string | undefined {
  const need = needOf(server, model, parts);
  if (!need) return undefined;
  const { gpu, pod } = server.spec;
  const selected = nodes.filter((node) => isSelected(node, pod?.nodeSelector));
  if (gpu.count === 0) return tooLittleMemory(need, selected);
  const room = gpuRoom(gpu, selected, devices);
  return room && tooLittleGpuMemory(need, room);
}

function tooLittleMemory(need: Need, nodes: readonly Live<Node>[]): string | undefined {
  if (nodes.length === 0) return undefined;
  const most = Math.max(...nodes.map((node) => allocatable(node, 'memory')));
  const needs = need.weights + need.context(need.contextSize) + runtimeBytes;
  if (needs <= most) return undefined;
  const advice = wouldFit(need, most - runtimeBytes);
  return `A replica needs ${inParts(need, needs, 'memory')}, and no node has more than ${memoryInWords(most)} for pods. ${advice}`;
}

/**
 * Weights and context against all that the GPUs have. Of the weights llama.cpp keeps the token embeddings in main memory;
 * what the driver and the computation take of GPUs is more than that, and neither is counted.
 */
function tooLittleGpuMemory(need: Need, { bytes, told, moreFor }: GpuRoom): string | undefined {
  const needs = need.weights + need.context(need.contextSize);
  if (needs <= bytes) return undefined;
  const advice = wouldFit(need, bytes, moreFor(needs));
  return `A replica needs ${inParts(need, needs, 'GPU memory')}, and no node has more than ${told}. ${advice}`;
}

function inParts({ own, context, contextSize, load }: Need, needs: number, place: string): string {
  const { adapters, adaptersBytes, draft, parallel } = load;
  const loras = adapters === 1 ? 'the adapter' : adapters === 0 ? 'its adapters' : `${adapters} adapters`;
  const beside = [
    ...(adaptersBytes > 0 ? [`${loras} ${memoryInWords(adaptersBytes)}`] : []),
    ...(draft ? [`the draft model ${memoryInWords(weightsOf(draft))}`] : []),
  ];
  const requests = parallel === 1 ? 'one request' : `each of ${parallel} requests`;
  const holders = [
    'the model',
    ...(adapters === 0 ? [] : [adapters === 1 ? 'the adapter' : `each of ${adapters} adapters`]),
    ...(draft ? ['the draft model'] : []),
  ];
  const whose = holders.length === 1 ? '' : holders.map((each) => ` of ${each}`).join(' and');
  const tokens = `a context of ${contextSize} tokens for ${requests}${whose} ${memoryInWords(context(contextSize))}`;
  const weights = `the weights ${memoryInWords(own)}`;
  return `${memoryInWords(needs)} of ${place} (${[weights, ...beside, tokens].join(', ')})`;
}
