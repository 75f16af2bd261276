/** Fills a registry over its API. https://distribution.github.io/distribution/spec/api/#pushing-an-image */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Content } from '../repo.ts';

export const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const configType = 'application/vnd.docker.container.image.v1+json';

export type OllamaLayer = {
  /** What follows `application/vnd.ollama.image.`: `model`, `template`, ..., or a whole media type. */
  kind: string;
  content: Content;
  /** Of a tensor or a JSON file. */
  name?: string;
};

export type OllamaModel = {
  /** namespace/name */
  name: string;
  tags: string[];
  layers: OllamaLayer[];
  /** Fields of the config blob besides, or in place of, those of a GGUF model (ollama, `types/model/config.go`). */
  config?: Record<string, unknown>;
  /** Its manifest is refused with 412, as one for an Ollama to come. */
  requiresNewer?: boolean;
};

/** An artifact as https://github.com/opencontainers/image-spec/blob/main/manifest.md has it. */
export type Artifact = {
  /** E.g. team/model. */
  name: string;
  /** One without is known by its digest only. */
  tags: string[];
  artifactType?: string;
  config?: { mediaType: string; content: Content };
  layers: { mediaType: string; content: Content; annotations?: Record<string, string> }[];
};

export type ArtifactIndex = {
  name: string;
  tags: string[];
  /** What was pushed before. */
  manifests: Pushed[];
};

/** A manifest in the registry. */
export type Pushed = { mediaType: string; digest: string; size: number };

type Descriptor = { mediaType: string; digest: string; size: number; name?: string };

/** Resolves to the digest of the manifest, which all tags of the model share. */
export async function pushModel(registryUrl: string, model: OllamaModel): Promise<string> {
  const blobs = `${registryUrl}/v2/${model.name}/blobs`;
  const layers: Descriptor[] = [];
  for (const { kind, content, name } of model.layers) {
    const mediaType = kind.includes('/') ? kind : `application/vnd.ollama.image.${kind}`;
    layers.push({ mediaType, ...(await pushBlob(blobs, content)), ...(name !== undefined && { name }) });
  }
  const config = JSON.stringify({
    model_format: 'gguf',
    model_family: 'llama',
    model_families: ['llama'],
    model_type: '1.0M',
    file_type: 'Q4_K_M',
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    ...model.config,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, ...(await pushBlob(blobs, config)) },
    layers,
  });
  return (await pushManifest(registryUrl, model, manifestType, manifest)).digest;
}

export async function pushArtifact(registryUrl: string, artifact: Artifact): Promise<Pushed> {
  const { name, artifactType, config = emptyConfig } = artifact;
  const blobs = `${registryUrl}/v2/${name}/blobs`;
  const layers = [];
  for (const { content, ...layer } of artifact.layers)
    layers.push({ ...layer, ...(await pushBlob(blobs, content)) });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType,
    ...(artifactType !== undefined && { artifactType }),
    config: { mediaType: config.mediaType, ...(await pushBlob(blobs, config.content)) },
    layers,
  };
  return pushManifest(registryUrl, artifact, mediaType, JSON.stringify(manifest));
}

export async function pushIndex(
  registryUrl: string,
  { manifests, ...named }: ArtifactIndex,
): Promise<Pushed> {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  return pushManifest(registryUrl, named, mediaType, index);
}

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
const emptyConfig = { mediaType: 'application/vnd.oci.empty.v1+json', content: '{}' };

async function pushManifest(
  registryUrl: string,
  { name, tags }: { name: string; tags: string[] },
  mediaType: string,
  body: string,
): Promise<Pushed> {
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  for (const reference of tags.length > 0 ? tags : [digest]) {
    const headers = { 'Content-Type': mediaType };
    await send(`${registryUrl}/v2/${name}/manifests/${reference}`, { method: 'PUT', headers, body });
  }
  return { mediaType, digest, size: Buffer.byteLength(body) };
}

/** Files are streamed, and their digest is known when they have been sent. */
async function pushBlob(blobs: string, content: Content): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  const body = counted(content, hash, (bytes) => {
    size += bytes;
  });
  const opened = await send(`${blobs}/uploads/`, { method: 'POST' });
  const headers = { 'Content-Type': 'application/octet-stream' };
  const sent = await send(location(opened), { method: 'PATCH', headers, body, duplex: 'half' });
  const digest = `sha256:${hash.digest('hex')}`;
  const end = new URL(location(sent));
  end.searchParams.set('digest', digest);
  await send(end.href, { method: 'PUT' });
  return { digest, size };
}

async function* counted(
  content: Content,
  hash: Hash,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of piecesOf(content)) {
    hash.update(piece);
    count(piece.byteLength);
    yield piece;
  }
}

function piecesOf(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [Buffer.from(content)];
  if (content instanceof Uint8Array) return [content];
  return createReadStream(content.file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}

async function send(url: string, request: RequestInit): Promise<Response> {
  const response = await fetch(url, request);
  const body = await response.text();
  if (!response.ok) throw new Error(`${request.method} ${url}: ${response.status} ${body}`);
  return response;
}

function location(response: Response): string {
  const url = response.headers.get('Location');
  if (url === null) throw new Error(`${response.url} does not say where to go on`);
  return url;
}
