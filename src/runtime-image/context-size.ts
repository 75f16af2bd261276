/** Tokens per sequence that are tried where the settings name none, largest first. */
const candidates = [131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024, 512];

/** Tokens that are enough where nobody asks for more. */
const modest = 8192;

/** Bytes beside weights and context: Node, its heap, what requests need. */
const reserve = 256 * 1024 ** 2;

export interface ContextSizeParts {
  /** Tokens. */
  trained: number;
  /** Tokens that the model's publisher wants; absent: 8192. */
  wanted?: number | undefined;
  /** Bytes the container may use; undefined: no limit, or none that is known. */
  memoryLimit: number | undefined;
  /** Bytes of weights in main memory. */
  weights: number;
  /** Bytes that GPUs have left beside the weights; absent: there is none. */
  freeOnGpu?: number | undefined;
  /** Bytes that contexts of so many tokens per sequence take. */
  estimate: (contextSize: number) => Promise<{ memory: number; onGpu: number }>;
}

/**
 * The largest context that fits into the container's memory and onto its GPUs, at most what the model was trained for,
 * and at most what is wanted: a model trained for 128k would take gigabytes that few requests use. The smallest is tried
 * even where it should not fit: an estimate is no reason not to serve.
 *
 * node-llama-cpp's own "auto" looks at the machine's memory, not at the container's limit.
 */
export async function fittingContextSize(parts: ContextSizeParts): Promise<number> {
  const most = Math.min(parts.wanted ?? modest, parts.trained);
  const sizes = [most, ...candidates.filter((size) => size < most)];
  const free = (parts.memoryLimit ?? Infinity) - parts.weights - reserve;
  for (const size of sizes) {
    const { memory, onGpu } = await parts.estimate(size);
    if (memory <= free && onGpu <= (parts.freeOnGpu ?? Infinity)) return size;
  }
  return sizes.at(-1) ?? most;
}

/**
 * @param constrained what process.constrainedMemory() gave: 0 or an astronomic number where there is no limit
 * @param total bytes of the machine
 */
export function memoryLimit(constrained: number, total: number): number {
  return constrained > 0 ? Math.min(constrained, total) : total;
}
