const quantization =
  /(?<![A-Za-z0-9])(?:(?:IQ|TQ|Q)[1-9](?:_[A-Z0-9]+)*|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4)(?![A-Za-z0-9_])/gi;

const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/** One piece of a model that is split over several files. */
export interface Piece {
  /** The same for all pieces of one model, and for nothing else. */
  readonly model: string;
  /** From 1 on. */
  readonly number: number;
  readonly of: number;
  /** The path that another piece of the model has. */
  readonly sibling: (number: number) => string;
}

/**
 * The quantization that a file's name carries, as publishers write it: `gemma-3-270m-it-Q4_K_M.gguf`,
 * `model.q4_k_m.gguf`, `Model-UD-Q4_K_XL-00001-of-00002.gguf`. In upper case; undefined where the name carries none.
 */
export function quantizationInName(path: string): string | undefined {
  const stem = path
    .slice(path.lastIndexOf('/') + 1)
    .replace(splitName, '$1')
    .replace(/\.gguf$/i, '');
  return stem.match(quantization)?.at(-1)?.toUpperCase();
}

/** What a file's name says of the split model that it is a piece of (llama.cpp, `gguf-split`). */
export function pieceInName(path: string): Piece | undefined {
  const match = splitName.exec(path);
  if (match === null) return undefined;
  const [, stem, number, of] = match;
  const extension = path.slice(-'.gguf'.length);
  return {
    model: `${stem}-of-${of}`,
    number: Number(number),
    of: Number(of),
    sibling: (other) => `${stem}-${String(other).padStart(5, '0')}-of-${of}${extension}`,
  };
}
