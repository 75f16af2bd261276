import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, inject, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Transport } from '../../src/kube/transport.ts';

/** Sends objects as kubectl does, with strict validation, as a dry run: nothing is stored. */
const it = test.extend('apply', { scope: 'file' }, async ({}, { onCleanup }) => {
  const config = new KubeConfig();
  config.loadFromFile(inject('kubeconfig'));
  const transport = new Transport(config, 'kubectl');
  onCleanup(() => transport.close());
  return async ({ kind, metadata, ...rest }: Written): Promise<Answer> => {
    const path = `/apis/longshore.dev/v1alpha1/namespaces/default/${kind.toLowerCase()}s/${metadata.name}`;
    const response = await transport.send(
      {
        method: 'PATCH',
        path,
        query: { dryRun: 'All', fieldManager: 'kubectl', fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'longshore.dev/v1alpha1', kind, metadata, ...rest },
      },
      AbortSignal.timeout(10_000),
    );
    const { message = '', spec } = JSON.parse(await response.text()) as { message?: string; spec?: unknown };
    return { accepted: response.status < 300, message, spec };
  };
});

interface Written {
  kind: string;
  metadata: { name: string };
  spec?: unknown;
}
interface Answer {
  accepted: boolean;
  message: string;
  spec: unknown;
}

function model(spec: object, name = 'm'): Written {
  return { kind: 'Model', metadata: { name }, spec };
}
function server(spec: object, name = 's'): Written {
  return { kind: 'ModelServer', metadata: { name }, spec: { modelRef: { name: 'm' }, ...spec } };
}
function from(huggingFace: object): Written {
  return model({ source: { huggingFace: { repo: 'owner/name', ...huggingFace } } });
}
const source = { huggingFace: { repo: 'owner/name' } };
const claim = { name: 'gpus', resourceClaimTemplateName: 'one-gpu' };
const onVolume = { volume: { claimName: 'staged', path: 'models/qwen' } };
const hash = '0'.repeat(64);

describe('an object that cannot be meant', () => {
  it.for([
    ['no spec', { kind: 'Model', metadata: { name: 'm' } }, 'spec: Required value'],
    ['no source', model({}), 'spec.source: Required value'],
    ['an empty source', model({ source: {} }), 'spec.source: Invalid value: set exactly one source'],
    ['a source of no known kind', model({ source: { s3: { bucket: 'x' } } }), 'spec.source.s3'],
    [
      'two sources',
      model({ source: { ...source, ollama: { model: 'smollm' } } }),
      'spec.source: Invalid value: set exactly one source',
    ],
    ['no name of an Ollama model', model({ source: { ollama: {} } }), 'spec.source.ollama.model: Required'],
    ...[
      '',
      'my model',
      '../smollm',
      '-smollm',
      'https://registry.ollama.ai/library/smollm',
      'a/b/c/d',
      'smollm:',
      'smollm:a:b',
      'smollm@sha256:abc',
      'n'.repeat(81),
    ].map(
      (name) =>
        [
          `the name "${name}" of an Ollama model`,
          model({ source: { ollama: { model: name } } }),
          'spec.source.ollama.model: Invalid value',
        ] as const,
    ),
    [
      'a registry named by the model and by the endpoint',
      model({ source: { ollama: { model: 'hf.co/owner/name', endpoint: 'https://registry.internal' } } }),
      'spec.source.ollama: Invalid value: model names a registry and so does endpoint',
    ],
    [
      'a registry that is no URL',
      model({ source: { ollama: { model: 'smollm', endpoint: 'registry.internal' } } }),
      'spec.source.ollama.endpoint: Invalid value',
    ],
    ...[
      [{ url: 'https://files.example/m.gguf' }, 'http.files[0].sha256: Required'],
      [
        { url: 'https://files.example/m.gguf', sha256: 'A'.repeat(64) },
        'http.files[0].sha256: Invalid value',
      ],
      [{ url: 'ftp://files.example/m.gguf', sha256: hash }, 'http.files[0].url: Invalid value'],
      [{ url: 'https://u:p@files.example/m.gguf', sha256: hash }, 'http.files[0].url: Invalid value'],
      [
        { url: 'https://files.example/m.gguf', sha256: hash, path: '../m' },
        'http.files[0].path: Invalid value',
      ],
    ].map(
      ([file, words]) =>
        [
          `the file ${JSON.stringify(file)}`,
          model({ source: { http: { files: [file] } } }),
          words as string,
        ] as const,
    ),
    ...['oci://r.io/m', 'team/m', 'r.io/M', 'r.io/m@sha256:abc', 'user@r.io/m'].map(
      (reference) =>
        [
          `the reference "${reference}"`,
          model({ source: { oci: { reference } } }),
          'spec.source.oci.reference: Invalid value',
        ] as const,
    ),
    ['no files by URL', model({ source: { http: { files: [] } } }), 'http.files: Invalid value'],
    [
      'an unknown reclaim policy',
      model({ source, storage: { reclaimPolicy: 'Recycle' } }),
      'spec.storage.reclaimPolicy: Unsupported value',
    ],
    ...(
      [
        ['no connections', { connections: 0 }, 'connections: Invalid value'],
        ['more connections than anybody gives', { connections: 65 }, 'connections: Invalid value'],
        ['no bandwidth', { bandwidthLimit: '0' }, 'bandwidthLimit: Invalid value'],
        ['a bandwidth of parts of bytes', { bandwidthLimit: '500m' }, 'bandwidthLimit: Invalid value'],
        ['a proxy without a scheme', { proxy: { httpsProxy: 'proxy:3128' } }, 'httpsProxy: Invalid value'],
        [
          'a proxy with a password',
          { proxy: { httpsProxy: 'http://u:p@proxy' } },
          'httpsProxy: Invalid value',
        ],
        ['a SOCKS proxy', { proxy: { httpProxy: 'socks5://proxy' } }, 'httpProxy: Invalid value'],
        ['a list in a list', { proxy: { noProxy: ['a,b'] } }, 'noProxy[0]: Invalid value'],
        ['a proxy of which nothing is said', { proxy: {} }, 'set httpsProxy or httpProxy'],
        [
          'a password for no proxy',
          { proxy: { noProxy: ['*'], secretName: 'user' } },
          'secretName is for a proxy',
        ],
        [
          'a label that Longshore goes by',
          { labels: { 'longshore.dev/model': 'other' } },
          'longshore.dev/... and app.kubernetes.io/managed-by are set by Longshore',
        ],
        [
          'an annotation that Longshore goes by',
          { annotations: { 'app.kubernetes.io/managed-by': 'me' } },
          'longshore.dev/... and app.kubernetes.io/managed-by are set by Longshore',
        ],
        ['a label with no name', { labels: { 'example.com/': 'x' } }, 'keys are names of letters'],
        ['a label value with blanks', { labels: { team: 'a b' } }, 'labels.team: Invalid value'],
        ['certificates from nowhere', { caBundle: {} }, 'set exactly one of configMapName and secretName'],
        [
          'certificates from two places',
          { caBundle: { configMapName: 'a', secretName: 'b' } },
          'set exactly one of configMapName and secretName',
        ],
        [
          'an affinity that schedulers do not know',
          { affinity: { nodeAffinity: { preferred: [] } } },
          'spec.puller.affinity.nodeAffinity.preferred',
        ],
      ] as const
    ).map(([what, puller, told]) => [`${what} for a puller`, model({ source, puller }), told] as const),
    ['no repo', model({ source: { huggingFace: {} } }), 'spec.source.huggingFace.repo: Required value'],
    ['a repo without owner', from({ repo: 'name' }), 'spec.source.huggingFace.repo: Invalid value'],
    ['a repo that climbs', from({ repo: '../name' }), 'spec.source.huggingFace.repo: Invalid value'],
    ['a file that climbs', from({ files: ['../../etc/passwd'] }), 'spec.source.huggingFace.files[0]'],
    [
      'the same file twice',
      from({ files: ['a.gguf', 'a.gguf'] }),
      'spec.source.huggingFace.files: duplicate',
    ],
    ['files and quantization', from({ files: ['a.gguf'], quantization: 'Q4_K_M' }), 'set one of them'],
    ['files and bits', from({ files: ['a.gguf'], bits: 4 }), 'set one of them'],
    ['quantization and bits', from({ quantization: 'Q4_K_M', bits: 4 }), 'set one of them'],
    ['bits that no weight has', from({ bits: 7 }), 'spec.source.huggingFace.bits: Unsupported value'],
    ['bits as text', from({ bits: '4' }), 'spec.source.huggingFace.bits'],
    ['an endpoint that is no URL', from({ endpoint: 'hub.internal' }), 'spec.source.huggingFace.endpoint'],
    ['an endpoint with a user', from({ endpoint: 'https://u:p@hub' }), 'spec.source.huggingFace.endpoint'],
    ['a negative size', model({ source, storage: { size: '-1Gi' } }), 'spec.storage.size: Invalid value'],
    ['a size that is none', model({ source, storage: { size: 'big' } }), 'spec.storage.size: Invalid value'],
    [
      'an unknown access mode',
      model({ source, storage: { accessModes: ['Any'] } }),
      'accessModes[0]: Unsupported',
    ],
    [
      'an interval without a policy to ask by',
      model({ source, update: { interval: '2h' } }),
      'spec.update: Invalid value: interval is how often policy OnChange asks',
    ],
    ...['30s', '0h', '59s'].map(
      (interval) =>
        [
          `an interval of ${interval}`,
          model({ source, update: { policy: 'OnChange', interval } }),
          'spec.update: Invalid value: interval is at least 1m',
        ] as const,
    ),
    ...['1d', '1.5h', 'often', '', '1h1h1h1h'].map(
      (interval) =>
        [
          `an interval "${interval}"`,
          model({ source, update: { policy: 'OnChange', interval } }),
          'spec.update.interval',
        ] as const,
    ),
    ['no revision kept', model({ source, update: { keepRevisions: 0 } }), 'spec.update.keepRevisions'],
    ['eleven revisions kept', model({ source, update: { keepRevisions: 11 } }), 'spec.update.keepRevisions'],
    ['an unknown policy', model({ source, update: { policy: 'Always' } }), 'spec.update.policy'],
    [
      'a size of a claim that is there',
      model({ source, storage: { claimName: 'shared', size: '1Gi' } }),
      'spec.storage: Invalid value: claimName names a claim that is there',
    ],
    [
      'a storage class of a claim that is there',
      model({ source, storage: { claimName: 'shared', storageClassName: 'fast' } }),
      'spec.storage: Invalid value: claimName names a claim that is there',
    ],
    [
      'access modes of a claim that is there',
      model({ source, storage: { claimName: 'shared', accessModes: ['ReadWriteMany'] } }),
      'spec.storage: Invalid value: claimName names a claim that is there',
    ],
    [
      'labels for a claim that is there',
      model({ source, storage: { claimName: 'shared', labels: { team: 'search' } } }),
      'spec.storage: Invalid value: claimName names a claim that is there',
    ],
    ...(
      [
        ['of ours', { 'longshore.dev/model': 'other' }, 'choose other keys'],
        ['that we find objects by', { 'app.kubernetes.io/managed-by': 'me' }, 'choose other keys'],
        ['with a key that is none', { 'my team': 'search' }, 'a key of a label is a name'],
        ['with an empty key', { '': 'search' }, 'a key of a label is a name'],
        ['with a value that is none', { team: 'my search' }, 'spec.storage.labels.team: Invalid value'],
        ['without end', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, 'x'])), 'Too many'],
      ] as const
    ).map(
      ([what, labels, words]) =>
        [`a label ${what} for claims`, model({ source, storage: { labels } }), words] as const,
    ),
    ...[
      { size: '1Gi' },
      { storageClassName: 'fast' },
      { claimName: 'shared' },
      { accessModes: ['ReadWriteMany'] },
      { labels: { team: 'search' } },
    ].map(
      (storage) =>
        [
          `to store weights that are on a volume, with ${Object.keys(storage)[0]}`,
          model({ source: onVolume, storage }),
          'spec: Invalid value: the files of source.volume are used where they are',
        ] as const,
    ),
    [
      'a token for a volume',
      model({ source: onVolume, credentials: { secretName: 'hub' } }),
      'spec: Invalid value: credentials are for a hub or a registry',
    ],
    ...['', '.', '/models', '../models', 'models/../..', 'models/', 'models//x', '..models'].map(
      (path) =>
        [
          `the folder "${path}" of a volume`,
          model({ source: { volume: { claimName: 'staged', path } } }),
          'spec.source.volume.path: Invalid value',
        ] as const,
    ),
    [
      'a storage class that can have no such name',
      model({ source, storage: { storageClassName: 'Fast_Disk' } }),
      'spec.storage.storageClassName: Invalid value',
    ],
    [
      'a misspelt field',
      model({ source, storage: { sise: '1Gi' } }),
      '.spec.storage.sise: field not declared',
    ],
    ['a name that starts with a digit', model({ source }, '7b'), 'metadata.name: at most 40'],
    ['a name of 41 characters', model({ source }, 'm'.repeat(41)), 'metadata.name: at most 40'],
    ['a name with a dot', model({ source }, 'a.b'), 'metadata.name: at most 40'],
    [
      'a secret that is none',
      model({ source, credentials: { secretName: 'A B' } }),
      'spec.credentials.secretName',
    ],
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

describe('an object that says only what it must', () => {
  it('is stored with every default of a Model', async ({ apply }) => {
    expect(await apply(model({ source }))).toMatchObject({
      accepted: true,
      spec: {
        source: { huggingFace: { repo: 'owner/name', revision: 'main', endpoint: 'https://huggingface.co' } },
        storage: { accessModes: ['ReadWriteOnce'], reclaimPolicy: 'Delete' },
        suspend: false,
        update: { policy: 'Never', interval: '1h', keepRevisions: 1 },
      },
    });
  });

  it.for([
    { model: 'smollm' },
    { model: 'llama3.1:8b' },
    { model: 'owner/name', endpoint: 'http://registry.internal:5000' },
    { model: 'hf.co/owner/name:Q4_K_M' },
    { model: 'localhost:5000/library/smollm:135m' },
    { model: `smollm@sha256:${'0'.repeat(64)}` },
  ])('may be $model of an Ollama registry', async (ollama, { apply }) => {
    expect(await apply(model({ source: { ollama } }))).toMatchObject({
      accepted: true,
      spec: { source: { ollama } },
    });
  });

  it.for([{ path: 'models/qwen 3' }, {}, { path: 'm', files: ['*.gguf'] }])(
    'may be on a volume, at $path',
    async (at, { apply }) => {
      const volume = { claimName: 'staged', ...at };
      expect(await apply(model({ source: { volume } }))).toMatchObject({
        accepted: true,
        spec: { source: { volume } },
      });
    },
  );

  it('may have labels for its claims, with a domain or without', async ({ apply }) => {
    const storage = { labels: { team: 'search', 'billing.example.com/cost-center': '4711', empty: '' } };
    expect(await apply(model({ source, storage }))).toMatchObject({ accepted: true, spec: { storage } });
  });

  it('may name a claim, whose files are removed with the Model or not', async ({ apply }) => {
    for (const reclaimPolicy of ['Delete', 'Retain']) {
      const storage = { claimName: 'shared', reclaimPolicy };
      expect(await apply(model({ source, storage }))).toMatchObject({ accepted: true, spec: { storage } });
    }
  });

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
    const stored = await apply(model({ source, storage: { reclaimPolicy: 'Retain' } }));
    expect(stored.spec).toMatchObject({
      storage: { accessModes: ['ReadWriteOnce'], reclaimPolicy: 'Retain' },
    });
    expect(spec).toMatchObject({
      gpu: { count: 1, resourceName: 'amd.com/gpu' },
      runtime: { contextSize: 4096, parallel: 1 },
    });
  });

  it('may ask for a volume without a storage class, which is another wish than to leave that out', async ({
    apply,
  }) => {
    const stored = await apply(model({ source, storage: { storageClassName: '' } }));
    expect(stored).toMatchObject({ accepted: true, spec: { storage: { storageClassName: '' } } });
  });

  it.for(['1m', '90s', '1h30m', '168h', '99999h'])(
    'may be asked for every %s',
    async (interval, { apply }) => {
      const update = { policy: 'OnChange', interval };
      expect(await apply(model({ source, update }))).toMatchObject({
        accepted: true,
        spec: { update: { ...update, keepRevisions: 1 } },
      });
    },
  );

  it('may say all of how it is pulled', async ({ apply }) => {
    const term = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] };
    const near = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'cache' } } };
    const puller = {
      connections: 64,
      bandwidthLimit: '200Mi',
      proxy: { httpsProxy: 'https://[2001:db8::1]:3128/', noProxy: ['.svc', '10.0.0.0/8', '[::1]:443'] },
      caBundle: { secretName: 'company-ca' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }],
        },
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: near }],
        },
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] },
      },
      priorityClassName: 'low',
    };
    expect(await apply(model({ source, puller }))).toMatchObject({
      accepted: true,
      spec: { puller: { ...puller, caBundle: { secretName: 'company-ca', key: 'ca.crt' } } },
    });
  });

  it('may have a name of 40 characters', async ({ apply }) => {
    expect(await apply(model({ source }, 'm'.repeat(40)))).toMatchObject({ accepted: true });
  });
});

it('every example is accepted', async ({ apply }) => {
  const folder = join(import.meta.dirname, '../../examples');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const refused: string[] = [];
  for (const name of names.filter((each) => /\.ya?ml$/.test(each))) {
    for (const document of parseAllDocuments(await readFile(join(folder, name), 'utf8'))) {
      const object = document.toJS() as (Written & { apiVersion?: string }) | null;
      if (!object?.apiVersion?.startsWith('longshore.dev/')) continue;
      const { metadata, kind, spec } = object;
      const { accepted, message } = await apply({ kind, metadata: { name: metadata.name }, spec });
      if (!accepted) refused.push(`${name}: ${message}`);
    }
  }
  expect(refused).toEqual([]);
});
