import { z } from 'zod';
import {
  Affinity,
  apiVersion,
  Conditions,
  NodeSelector,
  ObjectMeta,
  ObjectName,
  Quantity,
  ResourceRequirements,
  Toleration,
} from './kubernetes.ts';

export const publicHub = 'https://huggingface.co';
export const publicRegistry = 'https://registry.ollama.ai';

/** A path inside a repository, or a pattern for some: relative, no `..`, no empty or hidden segment at its start. */
const RepoPath = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9_*?][A-Za-z0-9._ +*?-]*(\/[A-Za-z0-9_*?][A-Za-z0-9._ +*?-]*)*$/);

/** An address of a hub or a registry. */
const Endpoint = z
  .string()
  .max(512)
  .regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._/-]*)?$/);

/** What `bits` may be. */
export const bitsPerWeight = [1, 2, 3, 4, 5, 6, 8, 16, 32] as const;
export type BitsPerWeight = (typeof bitsPerWeight)[number];

export const HuggingFaceSource = z
  .object({
    repo: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*$/)
      .describe('The repository as owner/name, e.g. Qwen/Qwen3-8B-GGUF.'),
    revision: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$/)
      .default('main')
      .describe('A branch, a tag or a full commit id. What it names when the Model is resolved is pinned.'),
    files: z
      .array(RepoPath)
      .min(1)
      .max(8)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'File names, or patterns with * and ?, which match across folders too. The first GGUF model among them is the one a server loads; LoRA adapters beside it are applied to it. A piece of a split model brings the others.',
      ),
    quantization: z
      .string()
      .max(32)
      .regex(/^[A-Za-z0-9_]+$/)
      .optional()
      .describe(
        'Chooses the GGUF file by its quantization, e.g. Q4_K_M. Without it, bits and files the repository must hold exactly one GGUF model.',
      ),
    bits: z
      .literal(bitsPerWeight)
      .optional()
      // A literal of numbers would be of the type number.
      .meta({ type: 'integer' })
      .describe(
        'Chooses the GGUF file by the bits of a weight: of the quantizations of so many bits that the repository has, the best-known one. The order is, for 4 bits: Q4_K_M, Q4_K_S, Q4_K_L, Q4_K_XL, then IQ4_XS and IQ4_NL, then MXFP4, NVFP4, and at last Q4_1 and Q4_0; for others alike (for 2 and 3 bits plain Q2_K and Q3_K_M first, for 6 bits Q6_K, for 8 bits Q8_0, for 16 bits F16 before BF16). Files whose names carry no quantization are not among them.',
      ),
    endpoint: Endpoint.default(publicHub).describe(
      'The hub to ask: a mirror or an air-gapped hub in place of the public one.',
    ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.files), has(self.quantization), has(self.bits)].filter(x, x).size() <= 1',
        message: 'files, quantization and bits each choose the files: set one of them',
      },
    ],
  })
  .describe('Files of a repository on a Hugging Face hub.');
export type HuggingFaceSource = z.infer<typeof HuggingFaceSource>;

/** The parts of a name as Ollama has them (ollama, `types/model/name.go`). */
const ollamaName =
  /^(([A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}\/)?[A-Za-z0-9_][A-Za-z0-9_-]{0,79}\/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,79})?(@sha256:[0-9a-f]{64})?$/;

export const OllamaSource = z
  .object({
    model: z
      .string()
      .min(1)
      .max(700)
      .regex(ollamaName)
      .describe(
        'The model as `ollama pull` takes it: [host/][namespace/]name[:tag], e.g. llama3.1:8b. Default tag: latest. With @sha256:… behind it, the manifest of this digest. A repository of the Hugging Face hub is hf.co/owner/name[:quantization].',
      ),
    endpoint: Endpoint.optional().describe(
      `The registry to ask in place of ${publicRegistry}, where the model names no host.`,
    ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!(has(self.endpoint) && self.model.matches('^[^/]+/[^/]+/'))",
        message: 'model names a registry and so does endpoint: name it in one of them',
      },
    ],
  })
  .describe('A model of an Ollama registry.');
export type OllamaSource = z.infer<typeof OllamaSource>;

export const VolumeSource = z
  .object({
    claimName: ObjectName.describe(
      'A PersistentVolumeClaim in the namespace of the Model. It is mounted read-only.',
    ),
    path: z
      .string()
      .min(1)
      .max(256)
      .regex(/^\.?[A-Za-z0-9_][A-Za-z0-9._ +-]*(\/\.?[A-Za-z0-9_][A-Za-z0-9._ +-]*)*$/)
      .optional()
      .describe('The folder with the files. Default: the root of the volume.'),
    files: z
      .array(RepoPath)
      .min(1)
      .max(8)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'File names below the path, or patterns with * and ?, which match across folders too. Default: every GGUF file, of which one may be a model that a server can load.',
      ),
    digest: z
      .string()
      .max(71)
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional()
      .describe('What the files have to be, as status.artifact.digest states it.'),
  })
  .describe('Files that are on a volume already. They are verified where they are; nothing is written.');
export type VolumeSource = z.infer<typeof VolumeSource>;

/** A file on any web server. No user and no fragment; what a query signs is of no concern to anybody else. */
const FileUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?\/[^?#\s]{1,500}(\?[^#\s]*)?$/);

export const HttpSource = z
  .object({
    files: z
      .array(
        z.object({
          url: FileUrl.describe(
            'Where the file is. A query, which may be a signature, is shown in no status, log or message.',
          ),
          sha256: z
            .string()
            .max(64)
            .regex(/^[0-9a-f]{64}$/)
            .describe(
              'What the file must be, in hex as `sha256sum` prints it. A web server does not vouch for what it serves, so this is not optional.',
            ),
          path: z
            .string()
            .min(1)
            .max(256)
            .regex(/^[A-Za-z0-9_][A-Za-z0-9._ +-]*(\/[A-Za-z0-9_][A-Za-z0-9._ +-]*)*$/)
            .optional()
            .describe('The name that the file gets. Default: the last part of the path of its URL.'),
        }),
      )
      .min(1)
      .max(16)
      .describe(
        'The first GGUF model among them is the one a server loads; LoRA adapters beside it are applied to it. Of a split model all pieces are needed.',
      ),
  })
  .describe('Files by their URLs, from any web server or object store.');
export type HttpSource = z.infer<typeof HttpSource>;

/**
 * A registry, a repository in it, and which manifest: https://github.com/distribution/reference. The registry is always
 * named, and told from a namespace as Docker does: by a dot, by a port, or as localhost.
 */
const ociReference =
  /^(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+:[0-9]{1,5})(:[0-9]{1,5})?(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

export const OciSource = z
  .object({
    reference: z
      .string()
      .min(1)
      .max(512)
      .regex(ociReference)
      .describe(
        'The artifact as registry/repository[:tag][@sha256:…], without oci:// in front, e.g. registry.internal/models/qwen3:8b-q4. Default tag: latest. What the tag names when the Model is resolved is pinned.',
      ),
    files: z
      .array(RepoPath)
      .min(1)
      .max(8)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'File names, or patterns with * and ?, which match across folders too. Without them the artifact must hold exactly one GGUF model.',
      ),
    plainHTTP: z
      .boolean()
      .optional()
      .describe(
        'Asks the registry over http, as one inside the cluster may need. Other tools call this insecure, and mean by that also https with a certificate that nobody checks, which Longshore never does.',
      ),
  })
  .describe(
    'An artifact of an OCI registry: ModelPack, KitOps, Docker Model Runner, or files as ORAS pushes them.',
  );
export type OciSource = z.infer<typeof OciSource>;

export const ModelSource = z
  .object({
    huggingFace: HuggingFaceSource.optional(),
    ollama: OllamaSource.optional(),
    http: HttpSource.optional(),
    oci: OciSource.optional(),
    volume: VolumeSource.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.huggingFace), has(self.ollama), has(self.http), has(self.oci), has(self.volume)].exists_one(x, x)',
        message: 'set exactly one source: huggingFace, ollama, http, oci or volume',
      },
    ],
  })
  .describe('Where the weights come from; exactly one member.');
export type ModelSource = z.infer<typeof ModelSource>;

export const Credentials = z
  .object({
    secretName: ObjectName.describe('A Secret in the namespace of the Model.'),
    key: z
      .string()
      .max(253)
      .regex(/^[-._A-Za-z0-9]+$/)
      .default('token')
      .describe(
        'The key of the Secret that holds the token, or the password where there is a user name. For a registry it may be .dockerconfigjson, of which the entry for that registry is used.',
      ),
  })
  .describe(
    'A token for the source. It is mounted into the puller and read by nothing else. The key `host` of the Secret names the host it is for; without it the token goes to the public hub of the source only, and of a source without one nowhere. A key `username` makes it a password.',
  );
export type Credentials = z.infer<typeof Credentials>;

export const ModelStorage = z
  .object({
    size: Quantity.optional().describe(
      'The size of the volume. Default: the size of the files plus head-room.',
    ),
    storageClassName: z
      .string()
      .max(253)
      .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
      .optional()
      .describe(
        'Default: the default storage class of the cluster. Empty: a volume without a class, made by hand.',
      ),
    accessModes: z
      .array(z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']))
      .min(1)
      .max(3)
      .default(['ReadWriteOnce'])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('How nodes may mount the volume; servers on several nodes need ReadWriteMany.'),
    claimName: ObjectName.optional().describe(
      'A claim in the namespace of the Model that is there already, in place of one of its own: many Models may share it, and what several of them have is stored once. Longshore fills it, and never makes, resizes, labels or deletes it.',
    ),
    reclaimPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe(
        'What becomes of the claim when the Model is deleted, or, on a claim that claimName names, of the files that no other Model there has. A Model of the same name and source that is applied later takes over a retained one, and downloads only what it lacks.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!has(self.claimName) || (!has(self.size) && !has(self.storageClassName) && self.accessModes == ['ReadWriteOnce'])",
        message:
          'claimName names a claim that is there, with a size, a storage class and access modes of its own: leave size, storageClassName and accessModes out',
      },
    ],
  })
  .describe('The volume that the weights are stored on.');

/** The address of a proxy. A user and a password do not belong into a spec: they are for a Secret. */
const ProxyAddress = z
  .string()
  .max(512)
  .regex(/^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\/?$/);

export const ProxyOptions = z
  .object({
    httpsProxy: ProxyAddress.optional().describe(
      'The proxy for what is asked over https, e.g. http://proxy.internal:3128.',
    ),
    httpProxy: ProxyAddress.optional().describe('The proxy for what is asked over http.'),
    noProxy: z
      .array(
        z
          .string()
          .min(1)
          .max(253)
          .regex(/^[^\s,]+$/),
      )
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'What is asked without a proxy: domains with their subdomains (example.com), subdomains alone (.example.com), addresses, prefixes (10.0.0.0/8), each but a prefix with a port if that matters; or *.',
      ),
    secretName: ObjectName.optional().describe(
      'A Secret in the namespace of the Model with the keys `username` and `password`. Its key `host` names the proxy that they are for, as http://proxy.internal:3128 does; no other gets them.',
    ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.httpsProxy) || has(self.httpProxy) || has(self.noProxy)',
        message: "set httpsProxy or httpProxy, or noProxy: ['*'] for no proxy at all",
      },
      {
        rule: '!has(self.secretName) || has(self.httpsProxy) || has(self.httpProxy)',
        message: 'secretName is for a proxy: name it in httpsProxy or httpProxy',
      },
    ],
  })
  .describe(
    "Through which proxies the source is asked. It takes the place of all of the operator's proxy settings; with noProxy: ['*'] no proxy is used.",
  );
export type ProxyOptions = z.infer<typeof ProxyOptions>;

export const CABundle = z
  .object({
    configMapName: ObjectName.optional().describe('A ConfigMap in the namespace of the Model.'),
    secretName: ObjectName.optional().describe('A Secret in the namespace of the Model.'),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._A-Za-z0-9]+$/)
      .default('ca.crt')
      .describe('The key that holds the certificates, in PEM.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.configMapName), has(self.secretName)].exists_one(x, x)',
        message: 'set exactly one of configMapName and secretName',
      },
    ],
  })
  .describe(
    'Certificates of authorities that are trusted beside the public ones, for the source and for proxies.',
  );
export type CABundle = z.infer<typeof CABundle>;

export const PullerOptions = z
  .object({
    connections: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'The most connections of the pull; it uses as many of them as bring more. Default: 32. A limit that the operator was installed with can be lowered here, not raised.',
      ),
    bandwidthLimit: z
      .string()
      .max(32)
      .regex(/^[1-9][0-9]{0,14}(k|M|G|Ki|Mi|Gi)?$/)
      .optional()
      .describe(
        'What the pull may receive in a second, in bytes, e.g. 200Mi. Default: no limit. A limit that the operator was installed with can be lowered here, not raised.',
      ),
    proxy: ProxyOptions.optional(),
    caBundle: CABundle.optional(),
    resources: ResourceRequirements.optional().describe('Resources of the pull container.'),
    nodeSelector: NodeSelector.optional(),
    tolerations: z
      .array(Toleration)
      .max(16)
      .optional()
      .describe('Taints the puller tolerates, beside those of GPU nodes.'),
    affinity: Affinity.optional().describe(
      'Where the puller runs. nodeAffinity takes the place of the preference for GPU nodes, near which a volume would be made otherwise.',
    ),
    priorityClassName: ObjectName.optional().describe('The PriorityClass of the pods of the puller.'),
  })
  .describe('How and where the pull runs. What is not set here is as the operator was installed with.');
export type PullerOptions = z.infer<typeof PullerOptions>;

export const ModelSpec = z
  .object({
    source: ModelSource,
    credentials: Credentials.optional(),
    storage: ModelStorage.default({ accessModes: ['ReadWriteOnce'], reclaimPolicy: 'Delete' }),
    puller: PullerOptions.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!has(self.source.volume) || (!has(self.storage.size) && !has(self.storage.storageClassName) && !has(self.storage.claimName) && self.storage.accessModes == ['ReadWriteOnce'])",
        message:
          'the files of source.volume are used where they are, and nothing is stored: leave size, storageClassName, accessModes and claimName out of storage',
      },
      {
        rule: '!(has(self.source.volume) && has(self.credentials))',
        message: 'credentials are for a hub or a registry, and source.volume asks none: leave them out',
      },
    ],
  });
export type ModelSpec = z.infer<typeof ModelSpec>;

/** What a GGUF header says; every member is absent where the header does not say it. */
export const GgufFacts = z
  .object({
    architecture: z.string().max(64).optional().describe('general.architecture, e.g. llama, qwen3, gemma3.'),
    parameterCount: z.int().optional().describe('The number of weights.'),
    parameters: z
      .string()
      .max(16)
      .optional()
      .describe('The number of weights as people write it, e.g. 8.0B.'),
    quantization: z.string().max(32).optional().describe('E.g. Q4_K_M.'),
    contextLength: z.int().optional().describe('The context the model was trained for, in tokens.'),
    layers: z.int().optional().describe('Transformer blocks.'),
    heads: z.int().optional().describe('Attention heads, of the layer that has most.'),
    kvHeads: z.int().optional().describe('Heads of keys and values, of the layer that has most.'),
    tokenizer: z.string().max(64).optional().describe('The kind of the tokenizer, e.g. llama, gpt2.'),
    chatTemplate: z.boolean().optional().describe('Whether the file brings a chat template of its own.'),
    pieces: z.int().optional().describe('The number of files that the model is split over, where it is.'),
    projector: z
      .boolean()
      .optional()
      .describe(
        'Whether the source has a projector for images or sound beside the model. The runtime cannot use it yet: such a model reads text only.',
      ),
    license: z.string().max(128).optional(),
  })
  .describe('What the header of the first GGUF file says.');
export type GgufFacts = z.infer<typeof GgufFacts>;

/** Types that llama.cpp can keep keys and values in. */
export const cacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const;
export type CacheType = (typeof cacheTypes)[number];

/** Bytes by the type of the cache: one is absent where it cannot hold the heads of the model. */
const CacheBytes = z.object(
  Object.fromEntries(cacheTypes.map((type) => [type, z.int().optional()])) as Record<
    CacheType,
    z.ZodOptional<z.ZodInt>
  >,
);
export type CacheBytes = z.infer<typeof CacheBytes>;

/** What a model takes of the memory of a server, as far as its header says; what cannot be known is absent. */
export const MemoryFacts = z
  .object({
    weightsBytes: z.int().optional().describe('The weights in bytes, all pieces together.'),
    kvBytesPerToken: CacheBytes.optional().describe(
      'Keys and values in bytes for each token of the context of each sequence, by the type of the cache (keys and values of the same), without those of a sliding window. A type is absent where it cannot hold the heads of the model.',
    ),
    slidingWindow: z
      .object({
        tokens: z.int().describe('The length of the window.'),
        kvBytesPerToken: CacheBytes.describe(
          'Keys and values in bytes for each token, beside those above. Of a sequence no more tokens are kept than the window and a batch have together, rounded up to 256.',
        ),
      })
      .optional()
      .describe('The layers that look back over a window of the context only, where the model has such.'),
    stateBytes: z
      .int()
      .optional()
      .describe('The state of recurrent layers in bytes for each sequence, however long its context is.'),
  })
  .describe('What the model takes of the memory of a server, from the header of its GGUF file.');
export type MemoryFacts = z.infer<typeof MemoryFacts>;

export const ModelFile = z.object({
  path: z.string().max(256).describe('Relative to the path of the artifact.'),
  sizeBytes: z.int(),
  sha256: z.string().max(64),
  role: z
    .enum([
      'model',
      'piece',
      'adapter',
      'projector',
      'draft',
      'template',
      'params',
      'system',
      'messages',
      'license',
      'config',
    ])
    .optional()
    .describe(
      'What the file is to a server: the weights it loads, a further piece of them, a LoRA adapter, or a layer of an Ollama model. Absent for any other file.',
    ),
});
export type ModelFile = z.infer<typeof ModelFile>;
export type FileRole = NonNullable<ModelFile['role']>;

export const Progress = z
  .object({
    percent: z.int().min(0).max(100),
    text: z.string().max(64).describe('What the PROGRESS column shows.'),
    downloadedBytes: z.int(),
    totalBytes: z.int(),
    bytesPerSecond: z.int().optional(),
    secondsLeft: z.int().optional(),
    rate: z.string().max(32).optional().describe('bytesPerSecond as people write it.'),
    eta: z.string().max(32).optional().describe('secondsLeft as people write it.'),
  })
  .describe('How far the pull is, as its pod last said.');
export type Progress = z.infer<typeof Progress>;

export const ModelStatus = z.object({
  observedGeneration: z.int().optional().describe('The generation of the spec that this status is about.'),
  conditions: Conditions.optional(),
  resolved: z
    .object({
      source: z
        .string()
        .max(800)
        .describe(
          'The source as one line, e.g. hf:Qwen/Qwen3-8B-GGUF@main, ollama:llama3.1:8b, oci://registry.internal/models/qwen3:8b-q4 or a URL without its query.',
        ),
      request: z.string().max(64).describe('Fingerprint of the part of the spec that this answers.'),
      revision: z
        .string()
        .max(80)
        .describe(
          'The commit that the revision named, the digest of the manifest, or, of files by URL, the sha256 of their `sha256  path` lines in the order of the list.',
        ),
      sizeBytes: z.int(),
      spaceBytes: z
        .int()
        .optional()
        .describe(
          'What is needed on the volume meanwhile, where that is more: archives stay until they are unpacked.',
        ),
      size: z.string().max(16).describe('sizeBytes as people write it.'),
      fileCount: z.int(),
    })
    .optional()
    .describe('What the source named when it was last asked.'),
  artifact: z
    .object({
      revision: z.string().max(80),
      digest: z
        .string()
        .max(80)
        .describe('sha256 of the file; of several: of their `sha256  path` lines, sorted by path.'),
      sizeBytes: z.int(),
      claimName: z.string().max(253),
      claimUid: z
        .string()
        .max(64)
        .describe('Of the claim that was filled: a new one of the same name is empty.'),
      path: z.string().max(512).describe('The folder on the volume.'),
      fileCount: z.int(),
      files: z
        .array(ModelFile)
        .max(32)
        .describe('The files; of a model in very many pieces not all of the further pieces.'),
    })
    .optional()
    .describe('What is published: verified, complete, and what servers use.'),
  gguf: GgufFacts.optional(),
  memory: MemoryFacts.optional(),
  progress: Progress.optional(),
  storage: z
    .object({
      claimName: z.string().max(253),
      claimUid: z.string().max(64).optional().describe('Absent until the claim was seen.'),
      size: z.string().max(32),
      reclaimPolicy: z
        .enum(['Delete', 'Retain'])
        .optional()
        .describe(
          'What the claim, or what the Model has on a shared one, is set up for; it follows the spec after a moment.',
        ),
      replaced: z
        .array(z.string().max(80))
        .max(16)
        .optional()
        .describe(
          'Digests of earlier artifacts on a shared claim, which are collected when no server uses them.',
        ),
    })
    .optional()
    .describe('The claim being filled or in use.'),
});
export type ModelStatus = z.infer<typeof ModelStatus>;

export const Model = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Model'),
  metadata: ObjectMeta,
  spec: ModelSpec,
  status: ModelStatus.optional(),
});
export type Model = z.infer<typeof Model>;
