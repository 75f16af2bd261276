import { expect, it } from 'vitest';
import type { GgufHeader } from '../../gguf/header.ts';
import { madeForOllamasEngine } from './ollama-engine.ts';

const header = (architecture: string, ...tensors: string[]): GgufHeader => ({
  facts: { architecture },
  role: 'model',
  memory: {},
  weights: 1,
  weightsBytes: 1,
  tensors: ['token_embd.weight', 'blk.0.attn_v.weight', 'output_norm.weight', ...tensors],
});

it.each([
  ['gptoss', 'its architecture is called gptoss'],
  ['qwen25vl', 'its architecture is called qwen25vl'],
])("the architecture %s is of Ollama's own engine", (architecture, what) => {
  expect(madeForOllamasEngine(header(architecture))).toBe(what);
});

it.each(['v.blk.0.attn_q.weight', 'mm.mm_input_projection.weight', 'a.conv1d.0.weight', 'mtp.fc.weight'])(
  'the tensor %s beside those of a language model is of its engine',
  (tensor) => {
    expect(madeForOllamasEngine(header('gemma3', tensor))).toBe(
      `1 of its 4 tensors, such as ${tensor}, belong to no language model`,
    );
  },
);

it.each(['gpt-oss', 'gemma3', 'llama', 'qwen2vl', 'qwen3'])(
  'a plain %s is for any runtime',
  (architecture) => {
    expect(madeForOllamasEngine(header(architecture, 'dense_2.weight', 'model.norm'))).toBeUndefined();
  },
);
