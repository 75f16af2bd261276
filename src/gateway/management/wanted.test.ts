import { describe, expect, it } from 'vitest';
import { publicHub, publicRegistry } from '../../api/source.ts';
import { wantedOf } from './wanted.ts';

const mirror = 'https://hub.internal';
const origins = { hub: publicHub, registry: publicRegistry, endpoints: [mirror] };
const wanted = (asked: Parameters<typeof wantedOf>[0]) => wantedOf(asked, origins);
const hub = { revision: 'main', endpoint: 'https://huggingface.co' };

describe('a pull', () => {
  it.each([
    [{ name: 'llama3.1:8b' }, 'llama3-1-8b', { ollama: { model: 'llama3.1:8b' } }],
    [
      { name: 'Qwen/Qwen3-8B-GGUF', source: 'huggingface' },
      'qwen3-8b',
      { huggingFace: { ...hub, repo: 'Qwen/Qwen3-8B-GGUF' } },
    ],
    [
      { name: 'hf.co/Qwen/Qwen3-8B-GGUF:Q4_K_M' },
      'qwen3-8b-q4-k-m',
      { huggingFace: { ...hub, repo: 'Qwen/Qwen3-8B-GGUF', quantization: 'Q4_K_M' } },
    ],
    [
      { name: 'Qwen/Qwen3-8B-GGUF', quantization: 'Q8_0' },
      'qwen3-8b-q8-0',
      { huggingFace: { ...hub, repo: 'Qwen/Qwen3-8B-GGUF', quantization: 'Q8_0' } },
    ],
    [
      {
        name: 'a/b',
        source: 'huggingface',
        quantization_bits: 4,
        revision: 'v1',
        endpoint: mirror,
        model_id: 'own',
      },
      'own',
      { huggingFace: { repo: 'a/b', revision: 'v1', bits: 4, endpoint: mirror } },
    ],
    [{ name: 'hf.co/a/b:Q8_0', source: 'ollama' }, 'b-q8-0', { ollama: { model: 'hf.co/a/b:Q8_0' } }],
    [{ name: 'hub.internal/a/b' }, 'b', { ollama: { model: 'hub.internal/a/b' } }],
  ] as const)('of %j is a Model %s', (asked, name, source) => {
    expect(wanted(asked)).toEqual({ name, source });
  });

  it.each([
    [{ name: 'owner/name' }, 400, /Say which: source is huggingface or ollama/],
    [{ name: 'x', source: 'huggingface' }, 400, /write owner\/name/],
    [{ name: 'x', revision: 'main' }, 400, /name a tag in place/],
    [{ name: 'a b' }, 400, /model/],
    [{ name: 'a/b', source: 'huggingface', endpoint: 'http://10.0.0.1' }, 403, /may not be named here/],
    [{ name: 'x', endpoint: 'https://evil.test' }, 403, /may not be named here/],
    [{ name: 'x', endpoint: 'https://hub.internal.evil.test' }, 403, /may not be named here/],
    [{ name: '10.0.0.1:80/a/b', source: 'ollama' }, 403, /may not be named here/],
  ] as const)('of %j is refused', (asked, status, message) => {
    expect(() => wanted(asked)).toThrow(
      expect.objectContaining({ status, message: expect.stringMatching(message) as string }),
    );
  });
});

describe('a gateway with a hub and a registry of its own', () => {
  const own = { hub: 'http://hub.internal:8090', registry: 'http://ollama.internal', endpoints: [] };

  it.each([
    [{ name: 'Qwen/Qwen3-8B-GGUF' }, { huggingFace: { endpoint: own.hub } }],
    [{ name: 'hf.co/Qwen/Qwen3-8B-GGUF' }, { huggingFace: { endpoint: own.hub } }],
    [{ name: 'Qwen/Qwen3-8B-GGUF', endpoint: publicHub }, { huggingFace: { endpoint: publicHub } }],
    [{ name: 'llama3.1:8b' }, { ollama: { model: 'llama3.1:8b', endpoint: own.registry } }],
    [{ name: 'llama3.1:8b', endpoint: publicRegistry }, { ollama: { endpoint: publicRegistry } }],
  ] as const)('pulls %j from there, unless another is named', (asked, source) => {
    expect(wantedOf(asked, own).source).toMatchObject(source);
  });

  it('leaves a registry that the name has to the name', () => {
    const named = { name: 'hf.co/a/b:Q8_0', source: 'ollama' } as const;
    expect(wantedOf(named, own).source).toEqual({ ollama: { model: 'hf.co/a/b:Q8_0' } });
  });

  it('may name files, which only Hugging Face has', () => {
    const files = ['x/*.gguf'];
    expect(wanted({ name: 'a/b', source: 'huggingface', files }).source).toEqual({
      huggingFace: { ...hub, repo: 'a/b', files },
    });
    expect(() => wanted({ name: 'x', files })).toThrow(/name a tag in place/);
  });

  it('has the volume that it asks for, and says nothing of one where it does not', () => {
    expect(wanted({ name: 'x', storage_class: 'fast', storage_size: '20Gi' }).storage).toEqual({
      storageClassName: 'fast',
      size: '20Gi',
    });
    expect(wanted({ name: 'x' })).not.toHaveProperty('storage');
  });
});
