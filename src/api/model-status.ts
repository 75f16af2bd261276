import { z } from 'zod';
import { Conditions } from './kubernetes.ts';

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
    license: z.string().max(128).optional().describe('general.license, e.g. apache-2.0.'),
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
  sizeBytes: z.int().describe('In bytes.'),
  sha256: z.string().max(64).describe('In hex.'),
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
    percent: z.int().min(0).max(100).describe('Never less than before, for one revision.'),
    text: z.string().max(64).describe('What the PROGRESS column shows.'),
    downloadedBytes: z.int().describe('On the volume, those of an earlier pull included.'),
    totalBytes: z.int().describe('Of all files.'),
    bytesPerSecond: z.int().optional().describe('While bytes flow.'),
    secondsLeft: z.int().optional().describe('By the rate as it is now.'),
    rate: z.string().max(32).optional().describe('bytesPerSecond as people write it.'),
    eta: z.string().max(32).optional().describe('secondsLeft as people write it.'),
  })
  .describe('How far the pull is, as its pod last said.');
export type Progress = z.infer<typeof Progress>;

/** What has brought a revision. */
export const changes = ['First', 'SpecChanged', 'SourceMoved', 'Requested'] as const;
const Change = z
  .enum(changes)
  .describe(
    'Why it is this revision: the first one, another since the spec was edited, since the source names another by now, or since it was asked by annotation and named another.',
  );
export type Change = z.infer<typeof Change>;

export const Artifact = z.object({
  revision: z.string().max(80).describe('As status.resolved.revision has it.'),
  shortRevision: z
    .string()
    .max(16)
    .optional()
    .describe('The revision as people tell it from others: its first twelve digits.'),
  digest: z
    .string()
    .max(80)
    .describe('sha256 of the file; of several: of their `sha256  path` lines, sorted by path.'),
  content: z
    .string()
    .max(64)
    .describe(
      'Fingerprint of what identifies the content: repository, revision and the choice of files, and not where it is fetched from.',
    ),
  sizeBytes: z.int().describe('Of all files.'),
  claimName: z.string().max(253).describe('The PersistentVolumeClaim that the files are on.'),
  claimUid: z.string().max(64).describe('Of the claim that was filled: a new one of the same name is empty.'),
  path: z.string().max(512).describe('The folder on the volume.'),
  fileCount: z.int().describe('The number of files.'),
  files: z
    .array(ModelFile)
    .max(32)
    .describe('The files; of a model in very many pieces not all of the further pieces.'),
});
export type Artifact = z.infer<typeof Artifact>;

/** So many revisions the history has at most. */
export const mostHistory = 10;

export const Revision = Artifact.partial({ path: true, fileCount: true }).extend({
  files: Artifact.shape.files
    .optional()
    .describe('Only of a revision that is kept: to switch back to it, nothing has to be pulled.'),
  publishedAt: z.iso.datetime().describe('When it became the artifact.'),
  change: Change.optional(),
  pullSeconds: z.int().optional().describe('What the Job that pulled it took; absent where none was needed.'),
});
export type Revision = z.infer<typeof Revision>;

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
      sizeBytes: z.int().describe('Of all files, in bytes.'),
      spaceBytes: z
        .int()
        .optional()
        .describe(
          'What is needed on the volume meanwhile, where that is more: archives stay until they are unpacked.',
        ),
      size: z.string().max(16).describe('sizeBytes as people write it.'),
      fileCount: z.int().describe('The number of files.'),
      checkedAt: z.iso
        .datetime()
        .optional()
        .describe('When the source last answered. A check that fails is told in the condition Resolved.'),
      change: Change.optional(),
      gguf: GgufFacts.optional().describe('As status.gguf, while another revision is published.'),
      memory: MemoryFacts.optional().describe('As status.memory, while another revision is published.'),
    })
    .optional()
    .describe('What the source named when it was last asked. It is artifact once it is pulled and verified.'),
  artifact: Artifact.optional().describe('What is published: verified, complete, and what servers use.'),
  history: z
    .array(Revision)
    .max(mostHistory)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('What was published last, the newest first.'),
  lastHandledRequest: z
    .string()
    .max(256)
    .optional()
    .describe(
      'The value of the annotation longshore.dev/requested-at that was answered last, well or with a failure.',
    ),
  gguf: GgufFacts.optional().describe(
    'What the header of the first GGUF file says, of what is published; before the first publication, of what the source names.',
  ),
  memory: MemoryFacts.optional().describe(
    'What the model takes of the memory of a server, by the header of its GGUF file: of the same file as gguf.',
  ),
  progress: Progress.optional(),
  queue: z
    .object({
      since: z.iso.datetime().describe('When the Model began to wait.'),
      position: z
        .int()
        .min(1)
        .describe(
          'The place in the queue: the first ten exactly, those behind as 20, 50, 100, 200, 500, ...',
        ),
    })
    .optional()
    .describe('While the pull waits for its turn: the operator lets so many pulls run at once.'),
  storage: z
    .object({
      claimName: z.string().max(253).describe('The name of the PersistentVolumeClaim.'),
      claimUid: z.string().max(64).optional().describe('Absent until the claim was seen.'),
      size: z
        .string()
        .max(32)
        .describe('What is asked for, or, of a claim that the spec names, what it has.'),
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
  servers: z.int().optional().describe('The number of ModelServers that name the Model, or use it still.'),
});
export type ModelStatus = z.infer<typeof ModelStatus>;
