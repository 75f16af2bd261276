import type { ModelServer } from '../../../api/modelserver.ts';
import type { Model } from '../../../api/model.ts';
import type { CacheType } from '../../../api/model-status.ts';
import type { RuntimeOptions } from '../../../api/runtime-options.ts';
import { contextBytes, smallestContext, type Cache } from '../../../gguf/fit.ts';
import type { Live } from '../../../kube/kind.ts';

/** What a replica takes where its weights are, in bytes, by the header of the model. */
export interface Need {
  weights: number;
  /** Of a context of so many tokens for each of the requests, kept as asked for or as another type. */
  context: (tokens: number, type?: CacheType) => number;
  /** Types that take less than f16 and that keys and values may be kept as, the larger first. */
  smallerTypes: readonly CacheType[];
  /** Tokens that are asked for; where none are, those below which nothing is served. */
  contextSize: number;
  /** Tokens that the model was trained for. */
  trained: number;
  parallel: number;
}

/** Undefined where the header does not say enough to foresee it. */
export function needOf(
  { spec: { runtime, gpu } }: Pick<ModelServer, 'spec'>,
  model: Live<Model> | undefined,
): Need | undefined {
  // Which part of it is on the GPUs then, only the runtime knows.
  if (gpu.count > 0 && runtime.gpuLayers !== undefined) return undefined;
  const { memory, gguf } = model?.status ?? {};
  if (memory?.weightsBytes === undefined || memory.kvBytesPerToken === undefined) return undefined;
  const trained = gguf?.contextLength ?? Infinity;
  return {
    weights: memory.weightsBytes,
    context: (tokens, type) =>
      contextBytes(memory, tokens, sequencesOf(runtime), {
        ...cacheOf(runtime),
        ...(type !== undefined && { type }),
      }),
    smallerTypes: smallerTypes.filter(
      (type) =>
        runtime.flashAttention !== false &&
        memory.kvBytesPerToken?.[type] !== undefined &&
        (!memory.slidingWindow || memory.slidingWindow.kvBytesPerToken[type] !== undefined),
    ),
    contextSize: runtime.contextSize ?? Math.min(smallestContext, trained),
    trained,
    parallel: runtime.parallel,
  };
}

/** Those that are fast on GPUs. They need flash attention, and heads that their blocks fit into. */
const smallerTypes = ['q8_0', 'q4_0'] as const;

const cacheOf = ({ kvCacheType: type, swaFullCache }: RuntimeOptions): Cache => ({ type, swaFullCache });

/** Each adapter has a context of its own, with as many sequences as the model. */
const sequencesOf = ({ parallel, adapters = [] }: RuntimeOptions): number => parallel * (1 + adapters.length);

/** Tokens that the runtime takes where nobody asks for others, if they fit (runtime-image/context-size.ts). */
const usualContext = 8192;

/** Bytes beside weights and context: Node.js, its heap, what requests need. */
export const runtimeBytes = 256 * 2 ** 20;

/** Bytes of main memory of a replica whose weights are in that of GPUs: buffers that both share, beside the process. */
const besideGpus = 512 * 2 ** 20;

/**
 * The memory that a replica asks the scheduler for where spec.pod.resources says nothing of memory: on CPUs weights, context
 * and process; beside GPUs a fixed amount, since the weights pass through the page cache. A quantity such as `5120Mi`.
 *
 * There is no limit to go with it: what is foreseen may order room, and must not kill.
 */
export function memoryRequest(server: Pick<ModelServer, 'spec'>, model: Live<Model> | undefined): string {
  const { gpu, runtime } = server.spec;
  if (gpu.count > 0) return inMebibytes(besideGpus);
  const { memory, gguf, artifact } = model?.status ?? {};
  const weights = memory?.weightsBytes ?? artifact?.sizeBytes ?? 0;
  const tokens = runtime.contextSize ?? Math.min(usualContext, gguf?.contextLength ?? usualContext);
  return inMebibytes(
    weights + contextBytes(memory ?? {}, tokens, sequencesOf(runtime), cacheOf(runtime)) + runtimeBytes,
  );
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}Mi`;
}
