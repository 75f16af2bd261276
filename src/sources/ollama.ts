import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { OllamaSource } from '../api/model.ts';
import { ask, rangeHeaders, readBody, type SourceOptions } from './ask.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import { madeForOllamasEngine } from './ollama-engine.ts';
import {
  checkConfig,
  checkLayers,
  filesOf,
  Manifest,
  ManifestList,
  manifestTypes,
  ModelConfig,
  mostConfigBytes,
  unsupported,
} from './ollama-manifest.ts';
import { parseOllamaName, registryOf } from './ollama-name.ts';
import { registryError } from './registry-errors.ts';
import { isSafePath } from './repo-path.ts';
import { retrying } from './retry.ts';
import { SourceError, type Source } from './source.ts';

/** Largest manifest that is read: room for some ten thousand layers. */
const mostManifestBytes = 4 << 20;
const mostErrorBytes = 64 << 10;

/** A manifest as the registry has it. Its digest is that of these very bytes. */
interface Found {
  readonly body: Buffer;
  readonly digest: string;
}

/** A model of a registry that Ollama pulls from: manifests of docker's form, whose layers are files. */
export function ollamaSource(spec: OllamaSource, { get, token, patience, signal }: SourceOptions): Source {
  const name = parseOllamaName(spec.model);
  const model = `${name.namespace}/${name.model}`;
  const endpoint = registryOf(spec);
  const withToken = token !== undefined;
  const address = (kind: 'manifests' | 'blobs', reference: string): string =>
    `${endpoint}/v2/${model}/${kind}/${reference}`;

  async function askFor(
    url: string,
    about: { reference: string; file?: string },
    request: HttpRequest,
  ): Promise<HttpAnswer> {
    const answer = await ask({ url: endpoint, get, token }, url, request);
    if (answer.status < 400) return answer;
    const body = await readBody(endpoint, answer, mostErrorBytes, signal);
    throw registryError(answer, body.toString(), { endpoint, model, withToken, ...about });
  }

  function fetchManifest(reference: string): Promise<Found> {
    return retrying(async () => {
      const headers = { accept: manifestTypes.join(', ') };
      const answer = await askFor(address('manifests', reference), { reference }, { headers, signal });
      const body = await readBody(endpoint, answer, mostManifestBytes, signal);
      return { body, digest: digestOf(body) };
    }, patience);
  }

  /** The manifest of a digest; registries that do not know manifests by digest still have the tag. */
  async function fetchPinned(digest: string): Promise<Found> {
    const found = await fetchManifest(digest).catch(unlessUnknown);
    if (found !== undefined) {
      if (found.digest === digest) return found;
      throw new SourceError(
        'ChecksumMismatch',
        `${endpoint} answered the manifest ${digest} of ${model} with one of the digest ${found.digest}. A proxy or mirror may alter it.`,
      );
    }
    const tagged = await fetchManifest(name.tag).catch(unlessUnknown);
    if (tagged?.digest === digest) return tagged;
    throw new SourceError(
      'RevisionNotFound',
      `${endpoint} has no manifest ${digest} of ${model}, and ${tagged === undefined ? `no tag ${name.tag} either` : `the tag ${name.tag} has moved to ${tagged.digest}`}. Check what follows the name in spec.source.ollama.model.`,
    );
  }

  async function fetchConfig({ digest, size }: Manifest['config']): Promise<ModelConfig> {
    if (size > mostConfigBytes) throw unsupported(`${model} is no model: its config has ${size} bytes`);
    const about = { reference: digest, file: 'config.json' };
    const body = await retrying(async () => {
      const answer = await askFor(address('blobs', digest), about, { signal });
      return readBody(endpoint, answer, mostConfigBytes, signal);
    }, patience);
    if (digestOf(body) === digest) return parsed(ModelConfig, jsonOf(body));
    throw new SourceError(
      'ChecksumMismatch',
      `config.json of ${model}: its digest is ${digestOf(body)}, and the manifest states ${digest}. A proxy or mirror may alter it.`,
    );
  }

  function parsed<T>(schema: z.ZodType<T>, content: unknown): T {
    const { data, error } = schema.safeParse(content);
    if (error === undefined) return data;
    const problem = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ');
    throw new SourceError(
      'SourceUnreachable',
      `${endpoint} does not answer as an Ollama registry does for ${model}: ${problem.slice(0, 300)}. Check spec.source.ollama.`,
    );
  }

  return {
    name: `ollama:${spec.model}`,
    async resolve(pinned) {
      const wanted = pinned ?? name.digest;
      const { body, digest: revision } =
        wanted === undefined ? await fetchManifest(name.tag) : await fetchPinned(wanted);
      const content = jsonOf(body);
      if (ManifestList.safeParse(content).success) {
        throw unsupported(`${model}:${name.tag} is a list of manifests and not a model`);
      }
      const manifest = parsed(Manifest, content);
      checkLayers(manifest, model);
      checkConfig(manifest, await fetchConfig(manifest.config), model);

      const folder = `ollama/${name.host.replaceAll(':', '+')}/${model}/${revision.slice('sha256:'.length)}`;
      const record = `manifests/${name.host}/${model}/${name.tag}`;
      if (!isSafePath(folder) || !isSafePath(record))
        throw unsupported(`${model} has a name too long to store`);
      return {
        revision,
        files: filesOf(manifest),
        folder,
        // Ollama's own place for it, so that the volume can be its OLLAMA_MODELS.
        records: name.digest === undefined ? [{ path: record, content: body.toString() }] : [],
      };
    },
    async open(_revision, file, range, signal) {
      const reference = `sha256:${file.digest.hex}`;
      const request = { headers: rangeHeaders(range), signal };
      return askFor(address('blobs', reference), { reference, file: file.path }, request);
    },
    refuse(header) {
      const what = madeForOllamasEngine(header);
      if (what === undefined) return;
      throw unsupported(
        `${model}:${name.tag} is made for Ollama's own engine, and llama.cpp cannot load it: ${what}`,
      );
    },
  };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Nothing, for a refusal which says that there is no such manifest. */
function unlessUnknown(error: unknown): undefined {
  if (error instanceof SourceError && ['RevisionNotFound', 'RepoNotFound'].includes(error.reason))
    return undefined;
  throw error;
}
