import { describe, expect } from 'vitest';
import { from, it, model, source } from './admission-it.ts';

const onVolume = { volume: { claimName: 'staged', path: 'models/qwen' } };
const hash = '0'.repeat(64);

describe('a Model that cannot be meant', () => {
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
  ] as const)('%s is refused and the field is named', async ([, object, words], { apply }) => {
    const answer = await apply(object);
    expect(answer.message).toContain(words);
    expect(answer.accepted).toBe(false);
  });
});

describe('a Model that says only what it must', () => {
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

  it('gets the defaults inside what it says a part of', async ({ apply }) => {
    const stored = await apply(model({ source, storage: { reclaimPolicy: 'Retain' } }));
    expect(stored.spec).toMatchObject({
      storage: { accessModes: ['ReadWriteOnce'], reclaimPolicy: 'Retain' },
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
