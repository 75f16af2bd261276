/** Models as tools push them to registries of images, and the archives that these are made of. */
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import type { Artifact } from './push.ts';

type Header = Parameters<Pack['entry']>[0];
type Layer = Artifact['layers'][number];
type Compression = 'none' | 'gzip' | 'zstd';

/** A tar archive. @param entries A header of tar, with content where it is of a file. */
export async function tarOf(entries: (Header & { content?: Uint8Array | string })[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) tar.entry(header);
    else tar.entry(header, Buffer.from(content));
  }
  tar.finalize();
  return buffer(tar as AsyncIterable<Uint8Array>);
}

/** Files in an archive, compressed. */
export async function archiveOf(
  files: Record<string, Uint8Array | string>,
  compression: Compression = 'none',
): Promise<Buffer> {
  const tar = await tarOf(Object.entries(files).map(([name, content]) => ({ name, content })));
  if (compression === 'none') return tar;
  return compression === 'gzip' ? gzipSync(tar) : zstdCompressSync(tar);
}

const suffixes = { none: '', gzip: '+gzip', zstd: '+zstd' };

/** A layer of ModelPack with one file, as it is or in an archive: https://github.com/modelpack/model-spec. */
export async function modelPackLayer(
  kind: 'weight' | 'doc',
  path: string,
  content: Uint8Array | string,
  form: 'raw' | Compression = 'raw',
): Promise<Layer> {
  const annotations = { 'org.cncf.model.filepath': path };
  const type = `application/vnd.cncf.model.${kind}.v1`;
  if (form === 'raw') return { mediaType: `${type}.raw`, content: Buffer.from(content), annotations };
  return {
    mediaType: `${type}.tar${suffixes[form]}`,
    content: await archiveOf({ [path]: content }, form),
    annotations,
  };
}

export function modelPack(name: string, tags: string[], layers: Layer[]): Artifact {
  return {
    name,
    tags,
    artifactType: 'application/vnd.cncf.model.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.cncf.model.config.v1+json',
      content: '{"config":{"format":"gguf"}}',
    },
    layers,
  };
}

/** A ModelKit: its layers have no annotations, and the Kitfile is its config (https://github.com/kitops-ml/kitops). */
export async function modelKit(
  name: string,
  tags: string[],
  { model, docs }: { model: Record<string, Uint8Array | string>; docs: Record<string, Uint8Array | string> },
): Promise<Artifact> {
  const type = 'application/vnd.kitops.modelkit';
  return {
    name,
    tags,
    config: { mediaType: `${type}.config.v1+json`, content: '{"manifestVersion":"1.0.0"}' },
    layers: [
      { mediaType: `${type}.docs.v1.tar+gzip`, content: await archiveOf(docs, 'gzip') },
      { mediaType: `${type}.model.v1.tar+gzip`, content: await archiveOf(model, 'gzip') },
    ],
  };
}

/** As Docker Model Runner packages a GGUF file. */
export function dockerModel(name: string, tags: string[], gguf: Uint8Array): Artifact {
  return {
    name,
    tags,
    config: { mediaType: 'application/vnd.docker.ai.model.config.v0.1+json', content: '{}' },
    layers: [
      { mediaType: 'application/vnd.docker.ai.gguf.v3', content: gguf },
      { mediaType: 'application/vnd.docker.ai.license', content: 'Apache-2.0' },
    ],
  };
}

/** As `oras push registry/name:tag FILE...` does: every file a layer of a type that says nothing, with its name. */
export function orasFiles(
  name: string,
  tags: string[],
  files: Record<string, Uint8Array | string>,
): Artifact {
  const layers = Object.entries(files).map(([path, content]) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    content,
    annotations: { 'org.opencontainers.image.title': path },
  }));
  return { name, tags, artifactType: 'application/vnd.unknown.artifact.v1', layers };
}
