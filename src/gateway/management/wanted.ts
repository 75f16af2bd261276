import { z } from 'zod';
import { bitsPerWeight } from '../../api/choices.ts';
import { ObjectName } from '../../api/kubernetes.ts';
import { ModelStorage } from '../../api/model.ts';
import {
  HuggingFaceSource,
  OllamaSource,
  publicHub,
  publicRegistry,
  type ModelSource,
} from '../../api/source.ts';
import { ModelNameError, objectNameFor, sourceByName, type SourceByName } from '../../sources/model-name.ts';
import { Refusal } from '../../http-server/refusal.ts';

const Namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** What the body of a pull says. */
export const PullRequest = z
  .strictObject({
    name: z.string().min(1).max(700).describe('As its source has it: `Qwen/Qwen3-8B-GGUF`, `llama3.1:8b`.'),
    source: z
      .enum(['huggingface', 'ollama'])
      .optional()
      .describe('Where it is from; absent: what the name says.'),
    revision: HuggingFaceSource.shape.revision
      .unwrap()
      .optional()
      .describe('A branch, a tag or a commit of Hugging Face; absent: main.'),
    quantization: HuggingFaceSource.shape.quantization.describe('Which file of Hugging Face: Q4_K_M.'),
    quantization_bits: z
      .literal(bitsPerWeight)
      .optional()
      .describe('Likewise, by the bits of a weight: of those that there are, the best-known one.'),
    files: HuggingFaceSource.shape.files.describe('Likewise, by name, or by patterns with * and ?.'),
    endpoint: z
      .string()
      .max(512)
      .optional()
      .describe('A hub or a registry in place of the usual one; the values of the chart say which.'),
    model_id: ObjectName.max(40)
      .optional()
      .describe('The name of the Model; absent: made of the name that the source has for it.'),
    namespace: Namespace.optional().describe("Of the Model; absent: that of the chart's values."),
    storage_class: ModelStorage.shape.storageClassName.describe(
      'Of the volume; absent: that of the cluster.',
    ),
    storage_size: ModelStorage.shape.size.describe('Of the volume, as 20Gi; absent: what is measured.'),
    stream: z.boolean().default(true).describe('Whether each step is told, or only the end.'),
  })
  .meta({ title: 'PullRequest' });
type Asked = Omit<z.infer<typeof PullRequest>, 'stream' | 'namespace'>;

/** Where models may come from. */
export interface Origins {
  /** Those that are meant where a request names none. */
  hub: string;
  registry: string;
  /** Hubs and registries that callers may name beside these and the public ones. */
  endpoints: readonly string[];
}

/** A Model as it is to be. */
export interface Wanted {
  name: string;
  source: z.input<typeof ModelSource>;
  /** Absent: that of the cluster, of the size that is measured. */
  storage?: { storageClassName?: string; size?: string };
}

/**
 * The Model that a pull asks for, under the name that the command line gives it too.
 * @throws Refusal
 */
export function wantedOf(asked: Asked, origins: Origins): Wanted {
  const named = nameMeans(asked);
  const source = sourceOf(asked, named, origins);
  allow(source, origins);
  const {
    model_id: name = objectNameFor(named),
    storage_class: storageClassName,
    storage_size: size,
  } = asked;
  const storage = {
    ...(storageClassName !== undefined && { storageClassName }),
    ...(size !== undefined && { size }),
  };
  return { name, source, ...(Object.keys(storage).length > 0 && { storage }) };
}

function nameMeans({ name, source, quantization }: Asked): SourceByName {
  try {
    const named = sourceByName(name, source);
    if ('ollama' in named || quantization === undefined) return named;
    return { huggingFace: { ...named.huggingFace, quantization } };
  } catch (error) {
    if (!(error instanceof ModelNameError)) throw error;
    const next = source === undefined ? ' Say which: source is huggingface or ollama.' : '';
    throw invalid(`${error.message}.${next}`);
  }
}

function sourceOf(
  { quantization, quantization_bits: bits, files, revision, endpoint }: Asked,
  named: SourceByName,
  { hub, registry }: Origins,
): Wanted['source'] {
  if ('huggingFace' in named) {
    const { repo, revision: itsRevision, quantization: its } = named.huggingFace;
    const chosen = {
      repo,
      revision: revision ?? itsRevision,
      quantization: its,
      bits,
      files,
      endpoint: endpoint ?? hub,
    };
    return { huggingFace: parsed(HuggingFaceSource, chosen) };
  }
  if ([revision, quantization, bits, files].some((each) => each !== undefined)) {
    throw invalid(
      'revision, quantization, quantization_bits and files choose among the files of Hugging Face: name a tag in place of them, as in llama3.1:8b-instruct-q4_K_M.',
    );
  }
  const { model } = named.ollama;
  const isPublic = registry === publicRegistry || hostOf(model) !== undefined;
  return { ollama: parsed(OllamaSource, { model, endpoint: endpoint ?? (isPublic ? undefined : registry) }) };
}

/** Hubs and registries that everybody may name. */
const publicEndpoints = [publicHub, publicRegistry, 'https://hf.co'];

/** @throws Refusal for a hub or a registry that callers may not name */
function allow({ huggingFace, ollama }: Wanted['source'], { hub, registry, endpoints }: Origins): void {
  const host = hostOf(ollama?.model ?? '');
  const asked = host === undefined ? (huggingFace?.endpoint ?? ollama?.endpoint) : `https://${host}`;
  const same = (one: string, other: string): boolean => one.replace(/\/+$/, '') === other.replace(/\/+$/, '');
  if (
    asked === undefined ||
    [...publicEndpoints, hub, registry, ...endpoints].some((each) => same(each, asked))
  )
    return;
  throw new Refusal(
    403,
    `The endpoint ${asked} may not be named here. Those that may are listed in the values of the chart (gateway.management.endpoints).`,
    { code: 'endpoint_not_allowed', param: 'endpoint' },
  );
}

/** The registry that an Ollama model names. */
function hostOf(model: string): string | undefined {
  return /^[^/]+(?=\/[^/]+\/)/.exec(model)?.[0];
}

function parsed<T>(schema: z.ZodType<T>, value: Record<string, unknown>): T {
  const given = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
  const { data, error } = schema.safeParse(given);
  if (data === undefined) throw invalid(z.prettifyError(error!));
  return data;
}

const invalid = (message: string): Refusal => new Refusal(400, message, { code: 'invalid_request' });
