import { z } from 'zod';
import type { FileRole } from '../../api/model-status.ts';
import { SourceError, type SourceFile } from '../source.ts';

/** A docker manifest v2; other tools push the same as an OCI one. */
export const manifestTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
];

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const Layer = z.object({ mediaType: z.string(), digest: Digest, size: z.int().nonnegative() });
type Layer = z.infer<typeof Layer>;

export const Manifest = z.object({ schemaVersion: z.literal(2), config: Layer, layers: z.array(Layer) });
export type Manifest = z.infer<typeof Manifest>;

/** A list of manifests, one for each platform or form of a model. */
export const ManifestList = z.object({ manifests: z.array(z.unknown()) });

/** What the config blob says of the layers (ollama, `types/model/config.go`). */
export const ModelConfig = z.object({
  model_format: z.string().optional(),
  remote_host: z.string().optional(),
  remote_model: z.string().optional(),
});
export type ModelConfig = z.infer<typeof ModelConfig>;

/** Largest config blob that is read; Ollama's have less than a kilobyte, but for a list of layers. */
export const mostConfigBytes = 1 << 20;

interface Kind {
  readonly layer: string;
  /** Of a file; what is before its extension gets a number where there are several. */
  readonly file: string;
  readonly role: FileRole;
  /** Of others Ollama heeds the last layer only (ollama, `GetModel`). */
  readonly several?: true;
}

/** In the order in which a server should see them. */
const kinds: readonly Kind[] = [
  { layer: 'model', file: 'model.gguf', role: 'model' },
  { layer: 'adapter', file: 'adapter.gguf', role: 'adapter', several: true },
  { layer: 'projector', file: 'projector.gguf', role: 'projector', several: true },
  { layer: 'draft', file: 'draft.gguf', role: 'draft' },
  { layer: 'template', file: 'template', role: 'template' },
  { layer: 'params', file: 'params.json', role: 'params' },
  { layer: 'system', file: 'system', role: 'system' },
  { layer: 'messages', file: 'messages.json', role: 'messages' },
  { layer: 'license', file: 'license', role: 'license', several: true },
];
const prefix = 'application/vnd.ollama.image.';
/** An old name of a layer. */
const formerly: Readonly<Record<string, string>> = { prompt: 'template' };

/**
 * The files that a manifest's layers become, each with size and sha256. Layers of no kind known here are kept without a
 * role, as `layer-<n>`.
 */
export function filesOf({ config, layers }: Manifest): SourceFile[] {
  const unique = layers.filter((layer, i) => layers.findIndex((other) => same(other, layer)) === i);
  const kept = new Set<Layer>();
  const known = kinds.flatMap(({ layer: name, file, role, several }) => {
    const all = unique.filter((layer) => kindOf(layer) === name);
    const chosen = several ? all : all.slice(-1);
    for (const layer of chosen) kept.add(layer);
    return chosen.map((layer, i) =>
      fileOf(layer, chosen.length === 1 ? file : file.replace(/(?=\.|$)/, `-${i + 1}`), role),
    );
  });
  const unknown = unique.filter((layer) => !kept.has(layer));
  return [
    ...known,
    fileOf(config, 'config.json', 'config'),
    ...unknown.map((layer, i) => fileOf(layer, `layer-${i + 1}`)),
  ];
}

/**
 * @param model Its name, for messages.
 * @throws SourceError UnsupportedModel for layers that no GGUF runtime can load.
 */
export function checkLayers({ layers }: Manifest, model: string): void {
  const names = layers.map(kindOf);
  const tensors = names.filter((name) => name === 'tensor').length;
  if (tensors > 0 || names.includes('json')) {
    throw unsupported(
      `${model} is published as ${tensors} single tensors (safetensors, for MLX) and not as a GGUF file`,
    );
  }
  const models = names.filter((name) => name === 'model').length;
  if (models > 1) {
    throw unsupported(
      `${model} has ${models} layers with a model, of which Ollama itself loads the last one only`,
    );
  }
}

/** @throws SourceError UnsupportedModel for a model that runs elsewhere, has no weights, or has them in another format. */
export function checkConfig({ layers }: Manifest, config: ModelConfig, model: string): void {
  if (config.remote_host || config.remote_model) {
    throw unsupported(
      `${model} is a cloud model: its weights stay on ${config.remote_host || 'the servers of its publisher'}`,
    );
  }
  const format = config.model_format;
  if (format && format !== 'gguf') throw unsupported(`${model} is published as ${format} and not as GGUF`);
  if (layers.some((layer) => kindOf(layer) === 'model')) return;
  const types = [...new Set(layers.map(({ mediaType }) => mediaType))].slice(0, 5).join(', ');
  throw unsupported(`${model} has no layer with a model, only ${types || 'none at all'}`);
}

export function unsupported(what: string): SourceError {
  return new SourceError(
    'UnsupportedModel',
    `${what}. Choose another tag in spec.source.ollama.model, or the model as a GGUF file from a Hugging Face hub.`,
  );
}

/** What follows Ollama's prefix of a media type; undefined for a layer that is not Ollama's. */
function kindOf({ mediaType }: Layer): string | undefined {
  if (!mediaType.startsWith(prefix)) return undefined;
  const kind = mediaType.slice(prefix.length);
  return formerly[kind] ?? kind;
}

function same(a: Layer, b: Layer): boolean {
  return a.digest === b.digest && a.mediaType === b.mediaType;
}

function fileOf({ digest, size }: Layer, path: string, role?: FileRole): SourceFile {
  return {
    path,
    sizeBytes: size,
    digest: { algorithm: 'sha256', hex: digest.slice('sha256:'.length) },
    ...(role !== undefined && { role }),
  };
}
