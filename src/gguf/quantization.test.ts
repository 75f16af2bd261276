import { describe, expect, it } from 'vitest';
import { pieceInName, quantizationInName } from './quantization.ts';

describe('the quantization in a file name', () => {
  it.each([
    ['gemma-3-270m-it-Q4_K_M.gguf', 'Q4_K_M'],
    ['qwen2.5-7b-instruct-q4_k_m.gguf', 'Q4_K_M'],
    ['llama-2-7b.Q5_K.gguf', 'Q5_K'],
    ['Model_Q8_0.gguf', 'Q8_0'],
    ['model-UD-Q4_K_XL.gguf', 'Q4_K_XL'],
    ['model-IQ2_XXS.gguf', 'IQ2_XXS'],
    ['model-Q4_0_4_4.gguf', 'Q4_0_4_4'],
    ['gpt-oss-20b-MXFP4.gguf', 'MXFP4'],
    ['BF16/Qwen3-8B-BF16-00001-of-00002.gguf', 'BF16'],
    ['Q4_K_M/model-f16.gguf', 'F16'],
    ['TinyLlama-Q8_0-to-Q4_0.gguf', 'Q4_0'],
  ])('of %s is %s', (path, quantization) => {
    expect(quantizationInName(path)).toBe(quantization);
  });

  it.each(['Qwen3-8B.gguf', 'model.gguf', 'xQ4_K_M.gguf'])('of %s is none', (path) => {
    expect(quantizationInName(path)).toBeUndefined();
  });
});

describe('a piece of a split model', () => {
  it('tells which it is, and the names of the others', () => {
    const piece = pieceInName('Q8_0/model-Q8_0-00002-of-00003.gguf')!;
    expect(piece).toMatchObject({ number: 2, of: 3 });
    expect(piece.sibling(1)).toBe('Q8_0/model-Q8_0-00001-of-00003.gguf');
    expect(piece.model).toBe(pieceInName(piece.sibling(3))!.model);
  });

  it.each(['other/m-00002-of-00003.gguf', 'm-00002-of-00004.gguf', 'mm-00002-of-00003.gguf'])(
    'is of another model than %s',
    (path) => {
      expect(pieceInName(path)!.model).not.toBe(pieceInName('m-00001-of-00003.gguf')!.model);
    },
  );

  it.each(['model-Q8_0.gguf', 'm-1-of-2.gguf', 'm-00001-of-00002.safetensors'])('is not %s', (path) => {
    expect(pieceInName(path)).toBeUndefined();
  });
});
