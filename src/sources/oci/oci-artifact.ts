import { z } from 'zod';
import { listed } from '../names.ts';
import { isSafePath } from '../repo-path.ts';
import { SourceError, type Archive, type SourceFile } from '../source.ts';

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const Annotations = z.record(z.string(), z.string()).optional();

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
const Descriptor = z.object({
  mediaType: z.string().max(255),
  digest: Digest,
  size: z.int().nonnegative(),
  annotations: Annotations,
});
type Descriptor = z.infer<typeof Descriptor>;

export const Manifest = z.object({ schemaVersion: z.literal(2), layers: z.array(Descriptor) });

/** https://github.com/opencontainers/image-spec/blob/main/image-index.md */
export const Index = z.object({
  manifests: z.array(
    Descriptor.extend({
      artifactType: z.string().optional(),
      platform: z.object({ os: z.string().optional(), architecture: z.string().optional() }).optional(),
    }),
  ),
});
type Index = z.infer<typeof Index>;

export const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

export const field = 'spec.source.oci';

/** What is in a layer, by its media type. */
interface Kind {
  readonly format: 'raw' | Archive['compression'];
  /** Whether it may hold weights, as opposed to documents, code and data. */
  readonly weights: boolean;
  /** What a file is called that has no annotation of its path; a number comes in where there are several. */
  readonly file?: string;
}

/** https://github.com/modelpack/model-spec, specs-go/v1/mediatype.go; `gguf` in place of `raw` comes from Docker. */
const modelPack =
  /^application\/vnd\.cncf\.model\.(weight|weight\.config|doc|code|dataset)\.v1\.(raw|gguf|safetensors|tar|tar\+gzip|tar\+zstd)$/;
/** https://github.com/kitops-ml/kitops, pkg/lib/constants/mediatype */
const kitOps =
  /^application\/vnd\.kitops\.modelkit\.(model|modelpart|dataset|code|docs)\.v1\.(raw|tar|tar\+gzip|tar\+zstd)$/;
/** A folder, as ORAS packs it; a file of this type, which is ORAS's default for all, has another annotation. */
const imageLayer = /^application\/vnd\.oci\.image\.layer\.v1\.(tar|tar\+gzip|tar\+zstd)$/;
/** https://github.com/docker/model-runner, pkg/distribution/types/config.go */
const docker: Readonly<Record<string, Kind>> = {
  'application/vnd.docker.ai.gguf.v3': { format: 'raw', weights: true, file: 'model.gguf' },
  'application/vnd.docker.ai.gguf.v3.lora': { format: 'raw', weights: true, file: 'adapter.gguf' },
  'application/vnd.docker.ai.gguf.v3.mmproj': { format: 'raw', weights: true, file: 'mmproj.gguf' },
  'application/vnd.docker.ai.mmproj': { format: 'raw', weights: true, file: 'mmproj.gguf' },
  'application/vnd.docker.ai.license': { format: 'raw', weights: false, file: 'LICENSE' },
  'application/vnd.docker.ai.chat.template.jinja': { format: 'raw', weights: false, file: 'template.jinja' },
  'application/vnd.docker.ai.model.file': { format: 'raw', weights: false },
  'application/vnd.docker.ai.safetensors': { format: 'raw', weights: true, file: 'model.safetensors' },
  'application/vnd.docker.ai.dir.tar': { format: 'none', weights: false },
  'application/vnd.docker.ai.vllm.config.tar': { format: 'none', weights: false },
};

const pathAnnotations = ['org.cncf.model.filepath', 'org.opencontainers.image.title'];
const unpackAnnotation = 'io.deis.oras.content.unpack';

/** What the layers of an artifact are: files, and archives of files, each with size and sha256. */
export interface Layers {
  readonly files: readonly SourceFile[];
  /** Those that may hold weights first. */
  readonly archives: readonly (Archive & { readonly weights: boolean })[];
}

/**
 * @param artifact Its name, for messages.
 * @throws SourceError UnsupportedModel for a layer of a form that is not known, and for a path that no volume may have.
 */
export function layersOf({ layers }: z.infer<typeof Manifest>, artifact: string): Layers {
  const known = layers.map((layer) => ({ layer, kind: kindOf(layer), path: pathOf(layer, artifact) }));
  const unknown = known.filter(({ kind, layer }) => kind === undefined && !isEmpty(layer));
  if (unknown.length > 0)
    throw unknownTypes(
      artifact,
      unknown.map(({ layer }) => layer.mediaType),
    );
  const files: SourceFile[] = [];
  const archives: Layers['archives'][number][] = [];
  for (const [order, { layer, kind, path }] of known.entries()) {
    if (kind === undefined) continue;
    const hex = layer.digest.slice('sha256:'.length);
    const blob = { sizeBytes: layer.size, digest: { algorithm: 'sha256', hex } } as const;
    if (kind.format === 'raw') {
      const nameless = known.filter((other) => other.kind === kind && other.path === undefined);
      const place = nameless.findIndex((other) => other.layer === layer);
      const name = path ?? numbered(kind.file, place, nameless.length);
      if (name !== undefined && isSafePath(name)) files.push({ path: name, ...blob });
    } else if (!archives.some(({ digest }) => digest.hex === hex)) {
      archives.push({
        path: `layer ${order + 1}${path === undefined ? '' : ` (${path})`}`,
        compression: kind.format,
        weights: kind.weights,
        ...blob,
      });
    }
  }
  const paths = files.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw unsupported(`${artifact} has two layers that are both the file ${twice}`);
  return { files, archives: archives.sort((a, b) => Number(b.weights) - Number(a.weights)) };
}

/**
 * The one manifest of an index that is an artifact: weights are the same on every platform, so that none is chosen by it.
 * @throws SourceError UnsupportedModel when there is none, AmbiguousFiles when there are several.
 */
export function manifestIn({ manifests }: Index, artifact: string): string {
  const usable = manifests.filter(
    ({ mediaType, annotations, platform }) =>
      /manifest\.v[12]\+json$/.test(mediaType) &&
      annotations?.['vnd.docker.reference.type'] === undefined &&
      platform?.architecture !== 'unknown',
  );
  const [only, ...others] = new Set(usable.map(({ digest }) => digest));
  if (only === undefined) {
    throw unsupported(
      `${artifact} is an index of ${manifests.length} manifests, and none of them is an artifact`,
    );
  }
  if (others.length === 0) return only;
  const choices = usable.map(({ digest, annotations, artifactType, platform }) => {
    const what =
      annotations?.['org.opencontainers.image.ref.name'] ??
      (platform?.architecture && `${platform.os}/${platform.architecture}`) ??
      artifactType;
    return what === undefined ? digest : `${digest} (${what})`;
  });
  throw new SourceError(
    'AmbiguousFiles',
    `${artifact} is an index of ${usable.length} manifests. Name one by its digest in ${field}.reference: ${listed(choices)}.`,
  );
}

export function unsupported(what: string): SourceError {
  return new SourceError(
    'UnsupportedModel',
    `${what}. Choose another artifact in ${field}, or ask its publisher to push it anew.`,
  );
}

function kindOf({ mediaType, annotations }: Descriptor): Kind | undefined {
  const isFolder = annotations?.[unpackAnnotation] === 'true';
  const title = annotations?.['org.opencontainers.image.title'];
  const image = imageLayer.exec(mediaType);
  if (image !== null && (isFolder || title === undefined)) return archiveKind(image[1]!, true);
  const model = modelPack.exec(mediaType) ?? kitOps.exec(mediaType);
  if (model !== null) {
    const [, kind = '', format = ''] = model;
    const weights = ['weight', 'model', 'modelpart'].includes(kind);
    return format.startsWith('tar') ? archiveKind(format, weights) : { format: 'raw', weights };
  }
  return docker[mediaType] ?? (title === undefined ? undefined : titled);
}

/** What ORAS pushes: a file with its name, whatever its media type. */
const titled: Kind = { format: 'raw', weights: true };

function archiveKind(format: string, weights: boolean): Kind {
  const compression = format.endsWith('gzip') ? 'gzip' : format.endsWith('zstd') ? 'zstd' : 'none';
  return { format: compression, weights };
}

/** What stands in a manifest that has no layers. */
function isEmpty({ mediaType }: Descriptor): boolean {
  return mediaType === 'application/vnd.oci.empty.v1+json';
}

/** @throws SourceError UnsupportedModel for a path that leads out of the artifact, or that is none. */
function pathOf({ annotations }: Descriptor, artifact: string): string | undefined {
  const stated = pathAnnotations.map((name) => annotations?.[name]).find((path) => path !== undefined);
  if (stated === undefined) return undefined;
  const path = stated.replace(/^(\.\/)+/, '').replace(/\/$/, '');
  if (isSafePath(path) || isHidden(path)) return path;
  const shown = JSON.stringify(stated.slice(0, 100));
  throw unsupported(`${artifact} has a layer with the path ${shown}, which leads elsewhere or is none`);
}

/** Whether a path is safe but for names that begin with a dot, such as `.gitattributes`: such files are left out. */
export function isHidden(path: string): boolean {
  const segments = path.split('/');
  const isDotted = segments.some((segment) => segment.startsWith('.'));
  return isDotted && isSafePath(segments.map((one) => (/^\.[^.]/.test(one) ? `_${one}` : one)).join('/'));
}

/** Pieces of a split model have names by which they are found again. */
function numbered(file: string | undefined, order: number, of: number): string | undefined {
  if (file === undefined || of === 1) return file;
  const five = (number: number): string => String(number).padStart(5, '0');
  const number = file === 'model.gguf' ? `-${five(order + 1)}-of-${five(of)}` : `-${order + 1}`;
  return file.replace(/(?=\.|$)/, number);
}

function unknownTypes(artifact: string, types: readonly string[]): SourceError {
  const what = listed([...new Set(types)].map((type) => type.slice(0, 120)));
  if (types.some((type) => type.startsWith('application/vnd.ollama.'))) {
    return new SourceError(
      'UnsupportedModel',
      `${artifact} is a model of an Ollama registry (${what}). Name it in spec.source.ollama.model in place of ${field}.`,
    );
  }
  return unsupported(
    `${artifact} has layers of a form that is not known: ${what}. Known are ModelPack (application/vnd.cncf.model.…), KitOps (application/vnd.kitops.modelkit.…), Docker Model Runner (application/vnd.docker.ai.gguf.v3), and any layer with the annotation org.opencontainers.image.title, as ORAS pushes files`,
  );
}
