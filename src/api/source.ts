import { z } from 'zod';
import { bitsPerWeight } from './choices.ts';
import { ObjectName } from './kubernetes.ts';

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
      .describe(
        'A branch, a tag or a full commit id. What it names when the source is asked is pinned; spec.update says when it is asked again.',
      ),
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
  .describe(
    'A model of a repository on a Hugging Face hub. One of quantization, bits and files says which of its GGUF files are meant; without them it must have one model only.',
  );
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
        'Each file by its URL. The first GGUF model among them is the one a server loads; LoRA adapters beside it are applied to it. Of a split model all pieces are needed.',
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
        'The artifact as registry/repository[:tag][@sha256:…], without oci:// in front, e.g. registry.internal/models/qwen3:8b-q4. Default tag: latest. What the tag names when the registry is asked is pinned; spec.update says when it is asked again.',
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
