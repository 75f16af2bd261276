import { describe, expect, it } from 'vitest';
import { ModelSource } from '../api/source.ts';
import { ModelNameError, objectNameFor, sourceByName } from './model-name.ts';

const hub = (repo: string, more: object = {}) => ({ huggingFace: { repo, ...more } });
const registry = (model: string) => ({ ollama: { model } });

describe('what a name means', () => {
  it.for([
    ['llama3.1:8b', registry('llama3.1:8b'), 'llama3-1-8b'],
    ['llama3.1', registry('llama3.1'), 'llama3-1'],
    ['qwen3:latest', registry('qwen3:latest'), 'qwen3'],
    ['ollama.com/mattw/phi3:mini', registry('mattw/phi3:mini'), 'phi3-mini'],
    ['registry.ollama.ai/library/qwen3', registry('library/qwen3'), 'qwen3'],
    ['hub.local:5000/acme/m:1b', registry('hub.local:5000/acme/m:1b'), 'm-1b'],
    ['Qwen/Qwen3-8B-GGUF', hub('Qwen/Qwen3-8B-GGUF'), 'qwen3-8b'],
    ['unsloth/gemma-3-270m-it-GGUF', hub('unsloth/gemma-3-270m-it-GGUF'), 'gemma-3-270m-it'],
    [
      'hf.co/Qwen/Qwen3-8B-GGUF:Q4_K_M',
      hub('Qwen/Qwen3-8B-GGUF', { quantization: 'Q4_K_M' }),
      'qwen3-8b-q4-k-m',
    ],
    ['huggingface.co/acme/m@v1.0', hub('acme/m', { revision: 'v1.0' }), 'm'],
    ['01-ai/Yi-6B-GGUF', hub('01-ai/Yi-6B-GGUF'), 'yi-6b'],
    ['7b-model', registry('7b-model'), 'm-7b-model'],
  ] as const)('%s', ([name, source, objectName]) => {
    expect(sourceByName(name)).toEqual(source);
    expect(ModelSource.safeParse(source).success).toBe(true);
    expect(objectNameFor(sourceByName(name))).toBe(objectName);
  });

  it('is what is said of it where it may be either', () => {
    expect(() => sourceByName('acme/m')).toThrow(ModelNameError);
    expect(sourceByName('acme/m', 'ollama')).toEqual(registry('acme/m'));
    expect(sourceByName('acme/m', 'huggingface')).toEqual(hub('acme/m'));
  });

  it.for(['llama3.1:8b', 'example.com/acme/m', 'acme/', 'a/b/c/d'])(
    'is nothing on Hugging Face: %s',
    (name) => {
      expect(() => sourceByName(name, 'huggingface')).toThrow(/is no name of a model on Hugging Face/);
    },
  );

  it('has a name for the object that is never too long, and ends as it may', () => {
    const name = objectNameFor(sourceByName(`acme/${'long-'.repeat(20)}GGUF`));
    expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
    expect(name.length).toBeLessThanOrEqual(40);
  });
});
