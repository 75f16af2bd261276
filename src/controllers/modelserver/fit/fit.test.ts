import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer, aServerView } from '../../testing/objects.ts';
import { aDeviceSlice, aGpuNode, aNode } from '../../testing/servers.ts';
import type { ServerView } from '../view.ts';
import { noNodeFits } from './fit.ts';

const gib = 2 ** 30;
/** 128 KiB for each token: 1 GiB for 8192. */
const memory = { weightsBytes: 20 * gib, kvBytesPerToken: { f16: 2 ** 17 } };
const model = aModel({}, { artifact: anArtifact(), memory, gguf: { contextLength: 131072 } });

const told = (spec: object, nodes: ServerView['nodes'], of = model) =>
  noNodeFits(aServerView({ server: aServer(spec), model: of, nodes }));
const runtime = { contextSize: 65536 };

describe('a server on GPUs', () => {
  it('that fits onto one of the nodes has nothing to hear', () => {
    const small = aGpuNode('small', { memoryMiB: 8192 });
    expect(told({ runtime }, [small, aGpuNode('large', { memoryMiB: 28 * 1024 })])).toBeUndefined();
  });

  it('hears what it needs, what there is, and which context would fit', () => {
    expect(told({ runtime }, [aGpuNode('a', { gpus: 1 }), aGpuNode('b', { gpus: 1, memoryMiB: 8192 })])).toBe(
      'A replica needs 28.0 GiB of GPU memory (the weights 20.0 GiB, a context of 65536 tokens for one request 8.0 GiB), and no node has more than 22.5 GiB in 1 nvidia.com/gpu. What would fit: spec.runtime.contextSize: 16384.',
    );
  });

  it('hears of more GPUs where a node has them', () => {
    expect(told({ runtime }, [aGpuNode('a', { gpus: 2 })])).toContain(
      'What would fit: spec.gpu.count: 2, or spec.runtime.contextSize: 16384.',
    );
    expect(told({ gpu: { count: 2 } }, [aGpuNode('a', { gpus: 4, memoryMiB: 8192 })])).toBe(
      'A replica needs 20.1 GiB of GPU memory (the weights 20.0 GiB, a context of 512 tokens for one request 64 MiB), and no node has more than 2 times 8.0 GiB in 2 nvidia.com/gpu. What would fit: spec.gpu.count: 3, or a quantization with weights of at most 15.9 GiB.',
    );
  });

  it('hears of a smaller type of keys and values, where the context that it asks for would fit so', () => {
    const kvBytesPerToken = { f16: 2 ** 17, q8_0: 2 ** 17 * 0.53, q4_0: 2 ** 17 * 0.28 };
    const of = aModel({}, { artifact: anArtifact(), memory: { ...memory, kvBytesPerToken } });
    const node = (memoryMiB: number) => [aGpuNode('a', { gpus: 1, memoryMiB })];
    const advised = (memoryMiB: number) =>
      told({ runtime }, node(memoryMiB), of)?.split('What would fit: ')[1];
    expect(advised(25 * 1024)).toBe('spec.runtime.kvCacheType: q8_0, or spec.runtime.contextSize: 32768.');
    expect(advised(23034)).toBe('spec.runtime.kvCacheType: q4_0, or spec.runtime.contextSize: 16384.');
    expect(advised(22 * 1024)).toBe('spec.runtime.contextSize: 16384.');
  });

  describe('with a draft model and adapters', () => {
    const draftMemory = { weightsBytes: 2 * gib, kvBytesPerToken: { f16: 2 ** 15 } };
    const files = [{ path: 'a.gguf', sizeBytes: gib / 2, sha256: 'ab'.repeat(32), role: 'adapter' as const }];
    const parts: ServerView['parts'] = [
      {
        use: 'Draft',
        name: 'small',
        scale: 1,
        model: aModel({}, { artifact: anArtifact(), memory: draftMemory }),
      },
      { use: 'Adapter', name: 'sql', scale: 1, model: aModel({}, { artifact: anArtifact({ files }) }) },
    ];
    const heard = (of: typeof parts, spec: object, memoryMiB: number) =>
      noNodeFits(
        aServerView({
          server: aServer(spec),
          model,
          parts: of,
          nodes: [aGpuNode('a', { gpus: 1, memoryMiB })],
        }),
      );
    const adapters = [{ modelRef: { name: 'sql' } }];

    it('hears what each of them takes', () => {
      expect(heard(parts, { runtime: { ...runtime, adapters } }, 25 * 1024)).toBe(
        'A replica needs 40.5 GiB of GPU memory (the weights 20.0 GiB, the adapter 512 MiB, the draft model 2.0 GiB, a context of 65536 tokens for one request of the model and of the adapter and of the draft model 18.0 GiB), and no node has more than 25.0 GiB in 1 nvidia.com/gpu. What would fit: spec.runtime.contextSize: 8192.',
      );
    });

    it('hears that it would fit without the draft model', () => {
      const drafts = parts.slice(0, 1);
      expect(heard(drafts, { runtime }, 32 * 1024)).toBeUndefined();
      expect(heard(drafts, { runtime }, 32 * 1024 - 1)).toContain(
        'What would fit: spec.runtime.contextSize: 32768, or no spec.runtime.draftModelRef',
      );
      expect(heard(drafts, { runtime }, 28 * 1024 - 1)).not.toContain('draftModelRef');
    });

    it('hears which weights of its own would fit beside those', () => {
      expect(heard(parts.slice(1), { runtime: { contextSize: 512, adapters } }, 16384)).toContain(
        'What would fit: a quantization with weights of at most 15.4 GiB.',
      );
    });
  });

  it('hears of smaller weights where no context fits, and of a smaller model where nothing does', () => {
    const one = (memoryMiB: number) => told({ runtime }, [aGpuNode('a', { gpus: 1, memoryMiB })]);
    expect(one(16384)).toContain('What would fit: a quantization with weights of at most 15.9 GiB.');
    expect(one(32)).toContain('What would fit: a smaller model.');
  });

  it('counts every request', () => {
    expect(told({ runtime: { contextSize: 8192, parallel: 4 } }, [aGpuNode('a')])).toContain(
      'a context of 8192 tokens for each of 4 requests 4.0 GiB',
    );
  });

  it.for([
    ['nodes are not seen', undefined],
    ['there are none', []],
    ['one does not say its memory', [aGpuNode('a'), aNode('b', {}, { 'nvidia.com/gpu': '8' })]],
    ['too few GPUs are on each, which says the scheduler', [aNode('a', {}, { memory: '64Gi' })]],
  ] as const)('may fit where %s', ([, nodes]) => {
    expect(told({ runtime }, nodes)).toBeUndefined();
  });

  it('may fit where its needs are not known', () => {
    expect(told({ runtime }, [aGpuNode('a')], aModel({}, { artifact: anArtifact() }))).toBeUndefined();
  });

  it('goes by the nodes that it selects', () => {
    const large = aGpuNode('large', { memoryMiB: 81920 });
    const here = aNode('here', { pool: 'a', 'nvidia.com/gpu.memory': '8192' }, { 'nvidia.com/gpu': '1' });
    expect(told({ runtime, pod: { nodeSelector: { pool: 'a' } } }, [large, here])).toContain(
      'more than 8.0 GiB',
    );
    expect(told({ runtime, pod: { nodeSelector: { pool: 'b' } } }, [large, here])).toBeUndefined();
  });
});

describe('a server whose devices come by claims', () => {
  const resourceClaims = [{ name: 'gpu', resourceClaimTemplateName: 't' }];
  const nodes = [aNode('a'), aNode('b', { pool: 'b' })];
  const claiming = (devices: ServerView['devices'], gpu: object = {}, pod: object = {}) =>
    noNodeFits(
      aServerView({
        server: aServer({ runtime, gpu: { resourceClaims, ...gpu }, pod }),
        model,
        nodes,
        devices,
      }),
    );

  it('hears what the largest devices of a node have by their driver', () => {
    const slices = [aDeviceSlice('a', ['22Gi', '22Gi']), aDeviceSlice('b', ['8Gi', '24Gi'])];
    expect(claiming(slices)).toBe(
      'A replica needs 28.0 GiB of GPU memory (the weights 20.0 GiB, a context of 65536 tokens for one request 8.0 GiB), and no node has more than 24.0 GiB in 1 device of gpu.nvidia.com. What would fit: spec.runtime.contextSize: 32768.',
    );
    expect(claiming([...slices, aDeviceSlice('b', ['28Gi'])])).toBeUndefined();
    expect(claiming(slices, { count: 2 })).toBeUndefined();
    expect(claiming(slices.slice(1), { count: 2 })).toBeUndefined();
    expect(claiming([aDeviceSlice('a', ['8Gi', '4Gi', '12Gi'])], { count: 2 })).toContain(
      'more than 20.0 GiB in 2 devices of gpu.nvidia.com.',
    );
  });

  it('goes by the driver of its vendor, and by the nodes that it selects', () => {
    const slices = [aDeviceSlice('a', ['24Gi']), aDeviceSlice('b', ['16Gi'], 'gpu.amd.com')];
    expect(claiming(slices, { vendor: 'amd' })).toContain('16.0 GiB in 1 device of gpu.amd.com');
    expect(claiming([aDeviceSlice('a', ['80Gi']), aDeviceSlice('b', ['8Gi'])])).toBeUndefined();
    const pod = { nodeSelector: { pool: 'b' } };
    expect(claiming([aDeviceSlice('a', ['80Gi']), aDeviceSlice('b', ['8Gi'])], {}, pod)).toContain('8.0 GiB');
  });

  it.for([
    ['slices are not seen', undefined],
    ['no driver says anything', []],
    ['a device does not say its memory', [aDeviceSlice('a', ['8Gi']), aDeviceSlice('b', ['8Gi', undefined])]],
    ['devices are not bound to a node', [aDeviceSlice('a', ['8Gi']), aDeviceSlice(undefined, ['8Gi'])]],
    ['too few devices are on each, which says the scheduler', [aDeviceSlice('a', [])]],
    ['their node is not there', [aDeviceSlice('gone', ['8Gi'])]],
  ] as const)('may fit where %s', ([, devices]) => {
    expect(claiming(devices)).toBeUndefined();
  });
});

describe('a server on CPUs', () => {
  const cpu = { gpu: { count: 0 } };

  it('is measured against what nodes have for pods, its process included', () => {
    const node = (size: string) => [aNode('small', {}, { memory: '1Gi' }), aNode('n', {}, { memory: size })];
    expect(told({ ...cpu, runtime: { contextSize: 8192 } }, node('21760Mi'))).toBeUndefined();
    expect(told({ ...cpu, runtime: { contextSize: 8192 } }, node('21759Mi'))).toBe(
      'A replica needs 21.3 GiB of memory (the weights 20.0 GiB, a context of 8192 tokens for one request 1.0 GiB), and no node has more than 21.2 GiB for pods. What would fit: spec.runtime.contextSize: 4096.',
    );
  });

  it('may fit where no node is seen', () => {
    expect(told(cpu, [])).toBeUndefined();
    expect(
      told({ ...cpu, pod: { nodeSelector: { pool: 'none' } } }, [aNode('n', {}, { memory: '1Gi' })]),
    ).toBeUndefined();
  });
});
