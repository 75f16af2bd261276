const quantization =
  /(?<![A-Za-z0-9])(?:(?:IQ|TQ|Q)[1-9](?:_[A-Z0-9]+)*|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4)(?![A-Za-z0-9_])/gi;

const splitName = /-(\d{5})-of-(\d{5})\.gguf$/i;

/**
 * The quantization that a file's name carries, as publishers write it: `gemma-3-270m-it-Q4_K_M.gguf`,
 * `model.q4_k_m.gguf`, `Model-UD-Q4_K_XL-00001-of-00002.gguf`. In upper case; undefined where the name carries none.
 */
export function quantizationInName(path: string): string | undefined {
  const stem = path
    .slice(path.lastIndexOf('/') + 1)
    .replace(splitName, '')
    .replace(/\.gguf$/i, '');
  return stem.match(quantization)?.at(-1)?.toUpperCase();
}

/** Whether a file is one piece of a model that is split over several (llama.cpp, `gguf-split`). */
export function isSplit(path: string): boolean {
  return splitName.test(path);
}
