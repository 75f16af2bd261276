import type { BitsPerWeight } from '../api/choices.ts';

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

/**
 * The quantizations of so many bits, the best-known first: K-quants in the order in which they are recommended (M, S, L,
 * XL; of 2 and 6 bits the plain one), the IQ and TQ ones from the largest to the smallest, floating-point blocks, and
 * the old ones. Names as `quantizationInName` has them. This is the order that the field `bits` describes.
 */
const byBits: Readonly<Record<BitsPerWeight, readonly string[]>> = {
  1: ['IQ1_M', 'IQ1_S', 'TQ1_0', 'Q1_0'],
  2: ['Q2_K', 'Q2_K_S', 'Q2_K_L', 'Q2_K_XL', 'IQ2_M', 'IQ2_S', 'IQ2_XS', 'IQ2_XXS', 'TQ2_0'],
  3: ['Q3_K_M', 'Q3_K_S', 'Q3_K_L', 'Q3_K_XL', 'Q3_K', 'IQ3_M', 'IQ3_S', 'IQ3_XS', 'IQ3_XXS'],
  4: [
    'Q4_K_M',
    'Q4_K_S',
    'Q4_K_L',
    'Q4_K_XL',
    'Q4_K',
    'IQ4_XS',
    'IQ4_NL',
    'MXFP4',
    'MXFP4_MOE',
    'NVFP4',
    'Q4_1',
    'Q4_0',
  ],
  5: ['Q5_K_M', 'Q5_K_S', 'Q5_K_L', 'Q5_K_XL', 'Q5_K', 'Q5_1', 'Q5_0'],
  6: ['Q6_K', 'Q6_K_M', 'Q6_K_S', 'Q6_K_L', 'Q6_K_XL'],
  8: ['Q8_0', 'Q8_K_XL', 'Q8_K'],
  16: ['F16', 'FP16', 'BF16'],
  32: ['F32', 'FP32'],
};

/** The best-known of some quantizations that has so many bits; undefined where none has. */
export function bestOfBits(bits: BitsPerWeight, quantizations: Iterable<string>): string | undefined {
  const held = new Set(quantizations);
  return byBits[bits].find((quantization) => held.has(quantization));
}
