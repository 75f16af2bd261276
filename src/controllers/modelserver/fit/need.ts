import type { ModelServer } from '../../../api/modelserver.ts';
import type { Model } from '../../../api/model.ts';
import type { CacheType, MemoryFacts } from '../../../api/model-status.ts';
import { contextsBytes, smallestContext, weightsBytes, weightsOf, type Load } from '../../../gguf/fit.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Part } from '../parts.ts';
import { loadOf } from './load.ts';

/** What a replica takes where its weights are, in bytes, by the headers of the models. */
export interface Need {
  /** All of them. */
  weights: number;
  /** Those of the model that is served. */
  own: number;
  /** Of all contexts, with so many tokens for each of the requests, kept as asked for or as another type. */
  context: (tokens: number, type?: CacheType) => number;
  /** The same with no model that drafts; absent where none does. */
  undrafted?: Pick<Need, 'weights' | 'context'> | undefined;
  load: Load;
  /** Types that take less than f16 and that keys and values may be kept as, the larger first. */
  smallerTypes: readonly CacheType[];
  /** Tokens that are asked for; where none are, those below which nothing is served. */
  contextSize: number;
  /** Tokens that the model was trained for. */
  trained: number;
}

/** Undefined where the headers do not say enough to foresee it. */
export function needOf(
  server: Pick<ModelServer, 'spec'>,
  model: Live<Model> | undefined,
  parts: readonly Part[] = [],
): Need | undefined {
  const { runtime, gpu } = server.spec;
  // Which part of it is on the GPUs then, only the runtime knows.
  if (gpu.count > 0 && runtime.gpuLayers !== undefined) return undefined;
  const load = loadOf(server, model, parts);
  const { memory } = load.model;
  if (!isTold(memory) || (load.draft && !isTold(load.draft.memory))) return undefined;
  const trained = load.model.trained ?? Infinity;
  const undrafted = load.draft && { ...load, draft: undefined };
  return {
    ...partsOf(load),
    own: weightsOf(load.model),
    undrafted: undrafted && partsOf(undrafted),
    load,
    smallerTypes: smallerTypes.filter(
      (type) =>
        runtime.flashAttention !== false &&
        memory.kvBytesPerToken?.[type] !== undefined &&
        (!memory.slidingWindow || memory.slidingWindow.kvBytesPerToken[type] !== undefined),
    ),
    contextSize: runtime.contextSize ?? Math.min(smallestContext, trained),
    trained,
  };
}

function isTold({ weightsBytes: weights, kvBytesPerToken }: MemoryFacts): boolean {
  return weights !== undefined && kvBytesPerToken !== undefined;
}

function partsOf(load: Load): Pick<Need, 'weights' | 'context'> {
  return {
    weights: weightsBytes(load),
    context: (tokens, type) =>
      contextsBytes(load, tokens, type === undefined ? load.cache : { ...load.cache, type }),
  };
}

/** Those that are fast on GPUs. They need flash attention, and heads that their blocks fit into. */
const smallerTypes = ['q8_0', 'q4_0'] as const;

/** Tokens that the runtime takes where nobody asks for others, if they fit (runtime-image/context-size.ts). */
const usualContext = 8192;

/** Bytes beside weights and context: Node.js, its heap, what requests need. */
export const runtimeBytes = 256 * 2 ** 20;

/** Bytes of main memory of a replica whose weights are in that of GPUs: buffers that both share, beside the process. */
const besideGpus = 512 * 2 ** 20;

/**
 * The memory that a replica asks the scheduler for where spec.pod.resources says nothing of memory: on CPUs weights, contexts
 * and process; beside GPUs a fixed amount, since the weights pass through the page cache. A quantity such as `5120Mi`.
 *
 * There is no limit to go with it: what is foreseen may order room, and must not kill.
 */
export function memoryRequest(
  server: Pick<ModelServer, 'spec'>,
  model: Live<Model> | undefined,
  parts: readonly Part[] = [],
): string {
  const { gpu, runtime } = server.spec;
  if (gpu.count > 0) return inMebibytes(besideGpus);
  const load = loadOf(server, model, parts);
  const tokens = runtime.contextSize ?? Math.min(usualContext, load.model.trained ?? usualContext);
  return inMebibytes(weightsBytes(load) + contextsBytes(load, tokens) + runtimeBytes);
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}Mi`;
}
