import { describe, expect } from 'vitest';
import { it, server } from './admission-it.ts';

const claim = { name: 'gpus', resourceClaimTemplateName: 'one-gpu' };

describe('a ModelServer that cannot be meant', () => {
  it.for([
    ['no modelRef', server({ modelRef: undefined }), 'spec.modelRef: Required value'],
    ['negative GPUs', server({ gpu: { count: -1 } }), 'spec.gpu.count: Invalid value'],
    ['a GPU that is no extended resource', server({ gpu: { resourceName: 'gpu' } }), 'spec.gpu.resourceName'],
    [
      'a rollout that says when another strategy turns',
      server({ rollout: { strategy: 'Surge', drainAfter: '1m' } }),
      'drainAfter is when strategy Auto turns to Drain',
    ],
    [
      'a rollout that may not take a moment',
      server({ rollout: { progressDeadline: '9s' } }),
      'progressDeadline is at least 10s',
    ],
    ['answers that may take days', server({ rollout: { gracePeriod: '25h' } }), 'gracePeriod is at most 24h'],
    ['negative replicas', server({ replicas: -1 }), 'spec.replicas: Invalid value'],
    ['no requests at a time', server({ runtime: { parallel: 0 } }), 'spec.runtime.parallel: Invalid value'],
    ['a tiny context', server({ runtime: { contextSize: 1 } }), 'spec.runtime.contextSize: Invalid value'],
    ...(
      [
        ['a cache of no known type', { kvCacheType: 'q3_k' }, 'spec.runtime.kvCacheType: Unsupported value'],
        [
          'a quantized cache without flash attention',
          { kvCacheType: 'q8_0', flashAttention: false },
          'kvCacheType: a quantized type needs flash attention',
        ],
        [
          'one adapter twice',
          { adapters: [{ modelRef: { name: 'sql' } }, { modelRef: { name: 'sql' }, scale: 2 }] },
          'adapters: each has to name another Model',
        ],
        [
          'an adapter with the name of the server',
          { adapters: [{ modelRef: { name: 'chat' } }] },
          'an adapter cannot have the name of the ModelServer',
        ],
        [
          'an adapter of an unlikely scale',
          { adapters: [{ modelRef: { name: 'sql' }, scale: 100 }] },
          'spec.runtime.adapters[0].scale: Invalid value',
        ],
        [
          'two that draft',
          { draftModelRef: { name: 'small' }, promptLookup: true },
          'promptLookup: leave it out where a draftModelRef drafts',
        ],
      ] as const
    ).map(([what, runtime, told]) => [what, server({ runtime }, 'chat'), told] as const),
    [
      'an adapter with a name that clients have for the model',
      server({ servedNames: ['sql'], runtime: { adapters: [{ modelRef: { name: 'sql' } }] } }),
      'an adapter cannot have the name of the ModelServer or one of spec.servedNames',
    ],
    [
      'a field of the pod that may not be chosen',
      server({ pod: { hostNetwork: true } }),
      '.spec.pod.hostNetwork',
    ],
    ['a server whose name starts with a digit', server({}, '7b'), 'metadata.name: at most 40'],
    [
      'a name for clients with a blank',
      server({ servedNames: ['my model'] }),
      'spec.servedNames[0]: Invalid',
    ],
    [
      'the same name for clients twice',
      server({ servedNames: ['a:b', 'a:b'] }),
      'spec.servedNames: duplicate',
    ],
    ...(
      [
        ['a GPU of an unknown vendor', { vendor: 'apple' }, 'spec.gpu.vendor: Unsupported value'],
        [
          "a resource of another vendor than the GPU's",
          { vendor: 'amd', resourceName: 'nvidia.com/gpu' },
          'spec.gpu: Invalid value: resourceName is of another vendor',
        ],
        [
          'devices by claims and by a resource',
          { resourceName: 'nvidia.com/gpu', resourceClaims: [claim] },
          'spec.gpu: Invalid value: the devices come by resourceClaims or by resourceName',
        ],
        [
          'devices by claims, and none',
          { count: 0, resourceClaims: [claim] },
          'spec.gpu: Invalid value: resourceClaims bring GPUs and count is 0',
        ],
        [
          'two claims of one name',
          { resourceClaims: [claim, claim] },
          'spec.gpu.resourceClaims: duplicate entries',
        ],
      ] as const
    ).map(([what, gpu, told]) => [what, server({ gpu }), told] as const),
    ...(
      [
        [
          'the settings',
          { env: [{ name: 'LONGSHORE_SETTINGS', value: '{}' }] },
          'env[0].name: Invalid value',
        ],
        [
          'what Node.js loads',
          { env: [{ name: 'NODE_OPTIONS', value: '--import=data:x' }] },
          'env[0].name: Invalid value',
        ],
        ['what the loader loads', { env: [{ name: 'LD_PRELOAD', value: 'x.so' }] }, 'env[0].name: Invalid'],
        ['all GPUs of the node', { env: [{ name: 'NVIDIA_VISIBLE_DEVICES', value: 'all' }] }, 'env[0].name'],
        [
          'a library on the volume',
          { env: [{ name: 'GGML_BACKEND_PATH', value: '/models/x.so' }] },
          'env[0].value: Invalid value',
        ],
        [
          'a variable from a Secret',
          { env: [{ name: 'GGML_A', valueFrom: {} }] },
          '.valueFrom: field not declared',
        ],
        ['a label of ours', { labels: { 'longshore.dev/server': 'other' } }, 'are set by Longshore'],
        ['an annotation of ours', { annotations: { 'longshore.dev/x': 'y' } }, 'are set by Longshore'],
        ['the group of root', { supplementalGroups: [0] }, 'supplementalGroups[0]: Invalid value'],
        ['shared memory of no size', { sharedMemorySize: 'big' }, 'sharedMemorySize: Invalid value'],
        [
          'a spread without a policy',
          { topologySpread: [{ topologyKey: 'zone' }] },
          'whenUnsatisfiable: Required',
        ],
        [
          'a least number of places that nothing holds to',
          { topologySpread: [{ topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 2 }] },
          'minDomains goes with whenUnsatisfiable: DoNotSchedule',
        ],
        ['a container of its own', { containers: [] }, '.spec.pod.containers'],
        ['a volume of its own', { volumes: [] }, '.spec.pod.volumes'],
        ['another account', { serviceAccountName: 'admin' }, '.spec.pod.serviceAccountName'],
      ] as const
    ).map(
      ([what, pod, told]) => [`${what}, chosen for the pods of a server`, server({ pod }), told] as const,
    ),
  ] as const)('%s is refused and the field is named', async ([, object, words], { apply }) => {
    const answer = await apply(object);
    expect(answer.message).toContain(words);
    expect(answer.accepted).toBe(false);
  });
});

describe('a ModelServer that says only what it must', () => {
  it('is stored with every default of a ModelServer', async ({ apply }) => {
    expect(await apply(server({}))).toMatchObject({
      accepted: true,
      spec: {
        replicas: 1,
        gpu: { count: 1 },
        runtime: { parallel: 1 },
        rollout: { strategy: 'Auto', drainAfter: '5m', gracePeriod: '5m' },
      },
    });
  });

  it.for([
    { rollout: { strategy: 'Auto', drainAfter: '0s', progressDeadline: '10s', gracePeriod: '24h' } },
    { rollout: { strategy: 'Drain', drainAfter: '5m', gracePeriod: '5m' } },
    { runtime: { parallel: 2, kvCacheType: 'q4_0', gpuLayers: 0, swaFullCache: true } },
    { runtime: { parallel: 1, kvCacheType: 'bf16', flashAttention: false, promptLookup: true } },
    {
      runtime: {
        parallel: 1,
        adapters: [{ modelRef: { name: 'sql' }, scale: 1 }],
        draftModelRef: { name: 'small' },
      },
    },
    { servedNames: ['llama3.1:8b', 'hf.co/owner/name:Q4_K_M', 'gpt-4o'] },
    { gpu: { count: 2, vendor: 'amd' } },
    { gpu: { count: 1, vendor: 'intel', resourceName: 'gpu.intel.com/xe' } },
    { gpu: { count: 1, vendor: 'nvidia', resourceName: 'nvidia.com/mig-1g.10gb' } },
    { gpu: { count: 1, vendor: 'amd', resourceName: 'example.com/shared-gpu' } },
    { gpu: { count: 1, resourceClaims: [claim] } },
    {
      pod: {
        resources: { requests: { cpu: '2' }, limits: { memory: '16Gi' } },
        nodeSelector: { zone: 'a' },
        tolerations: [{ key: 'spot', operator: 'Exists' }],
        affinity: { nodeAffinity: {}, podAntiAffinity: {} },
        topologySpread: [
          { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', minDomains: 2 },
          { topologyKey: 'zone', maxSkew: 2, whenUnsatisfiable: 'ScheduleAnyway' },
        ],
        priorityClassName: 'high',
        runtimeClassName: 'nvidia',
        labels: { team: 'search' },
        annotations: { 'example.com/note': 'any text, /even/this' },
        env: [{ name: 'GGML_CUDA_FORCE_MMQ', value: '1' }],
        imagePullSecrets: [{ name: 'registry' }],
        supplementalGroups: [44, 109],
        sharedMemorySize: '1Gi',
      },
    },
  ])('may be a server with %j', async (spec, { apply }) => {
    expect(await apply(server(spec))).toMatchObject({ accepted: true, spec });
  });

  it('may name a Secret with API keys, and not by another name than a Secret can have', async ({ apply }) => {
    const auth = { secretName: 'server-keys' };
    expect(await apply(server({ auth }))).toMatchObject({ accepted: true, spec: { auth } });
    expect(await apply(server({ auth: { secretName: '../keys' } }))).toMatchObject({ accepted: false });
    expect(await apply(server({ auth: {} }))).toMatchObject({ accepted: false });
  });

  it('gets the defaults inside what it says a part of', async ({ apply }) => {
    const { spec } = await apply(
      server({ gpu: { resourceName: 'amd.com/gpu' }, runtime: { contextSize: 4096 } }),
    );
    expect(spec).toMatchObject({
      gpu: { count: 1, resourceName: 'amd.com/gpu' },
      runtime: { contextSize: 4096, parallel: 1 },
    });
  });
});
