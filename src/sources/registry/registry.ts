import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { jsonOf, rangeHeaders, readBody, type SourceOptions } from '../ask.ts';
import type { RegistryLogin } from '../credentials.ts';
import { header, type HttpAnswer, type HttpRequest } from '../http/http.ts';
import { askWithAuth } from './registry-auth.ts';
import { registryError, type Wording } from './registry-errors.ts';
import { retrying } from '../http/retry.ts';
import { SourceError, type ByteRange } from '../source.ts';

export interface RegistryOptions extends Omit<SourceOptions, 'token'> {
  /** From `registryLogin`: one that the registry may have. */
  readonly login?: RegistryLogin | undefined;
}

export interface Repository {
  /** Of the registry, without a slash at its end. */
  readonly endpoint: string;
  /** E.g. `library/llama3.1`. */
  readonly repository: string;
  readonly wording: Wording;
  /** The media types of manifests that are understood. */
  readonly manifestTypes: readonly string[];
}

/** A manifest as the registry has it. Its digest is that of these very bytes. */
export interface Found {
  readonly body: Buffer;
  readonly digest: string;
  /** Undefined where the body is no JSON. */
  readonly content: unknown;
}

/** The pull side of https://github.com/opencontainers/distribution-spec, for one repository. */
export interface Registry {
  /** @param reference A tag, or a digest, which the answer then has. */
  fetchManifest(reference: string): Promise<Found>;
  /** The digest that a tag has: as the head of the answer states it, or that of the manifest itself. */
  digestOf(tag: string): Promise<string>;
  /** The manifest of a digest; registries that do not know manifests by digest still have the tag. */
  fetchPinned(digest: string, tag: string): Promise<Found>;
  /**
   * A small blob, verified.
   * @param file What it is, for messages.
   */
  fetchBlob(blob: { digest: string; size: number }, file: string): Promise<Buffer>;
  openBlob(digest: string, file: string, range?: ByteRange, signal?: AbortSignal): Promise<HttpAnswer>;
  /** @throws SourceError SourceUnreachable for content that no registry of this kind has. */
  parsed<T>(schema: z.ZodType<T>, content: unknown): T;
}

/** Largest manifest that is read: room for some ten thousand layers. */
const mostManifestBytes = 4 << 20;
const mostErrorBytes = 64 << 10;

export function openRegistry(
  { endpoint, repository, wording, manifestTypes }: Repository,
  { get, login, patience, signal }: RegistryOptions,
): Registry {
  const askAt = askWithAuth({ endpoint, repository, get, login, signal });
  const address = (kind: 'manifests' | 'blobs', reference: string): string =>
    `${endpoint}/v2/${repository}/${kind}/${reference}`;

  async function askFor(
    kind: 'manifests' | 'blobs',
    about: { reference: string; file?: string },
    request: HttpRequest,
  ): Promise<HttpAnswer> {
    const answer = await askAt(address(kind, about.reference), request);
    if (answer.status < 400) return answer;
    const body = await readBody(endpoint, answer, mostErrorBytes, signal);
    const question = { endpoint, repository, wording, withLogin: login !== undefined, ...about };
    throw registryError(answer, body.toString(), question);
  }

  async function fetchManifest(reference: string): Promise<Found> {
    const found = await retrying(async () => {
      const headers = { accept: manifestTypes.join(', ') };
      const answer = await askFor('manifests', { reference }, { headers, signal });
      const body = await readBody(endpoint, answer, mostManifestBytes, signal);
      return { body, digest: digestOf(body), content: jsonOf(body) };
    }, patience);
    if (!reference.includes(':') || found.digest === reference) return found;
    throw new SourceError(
      'ChecksumMismatch',
      `${endpoint} answered the manifest ${reference} of ${repository} with one of the digest ${found.digest}. A proxy or mirror may alter it.`,
    );
  }

  /** Registries need not state it, and Ollama's own answers no HEAD: whatever is in the way, a GET tells. */
  async function statedDigest(tag: string): Promise<string | undefined> {
    const headers = { accept: manifestTypes.join(', ') };
    const answer = await askAt(address('manifests', tag), { headers, head: true, signal });
    await answer.body.dump();
    const stated = header(answer.headers, 'docker-content-digest') ?? '';
    return answer.status === 200 && /^sha256:[0-9a-f]{64}$/.test(stated) ? stated : undefined;
  }

  return {
    fetchManifest,
    async digestOf(tag) {
      return (await statedDigest(tag)) ?? (await fetchManifest(tag)).digest;
    },
    async fetchPinned(digest, tag) {
      const found = await fetchManifest(digest).catch(unlessUnknown);
      if (found !== undefined) return found;
      const tagged = await fetchManifest(tag).catch(unlessUnknown);
      if (tagged?.digest === digest) return tagged;
      throw new SourceError(
        'RevisionNotFound',
        `${endpoint} has no manifest ${digest} of ${repository}, and ${tagged === undefined ? `no tag ${tag} either` : `the tag ${tag} has moved to ${tagged.digest}`}. Check what follows the name in ${wording.field}.`,
      );
    },
    async fetchBlob({ digest, size }, file) {
      const body = await retrying(async () => {
        const answer = await askFor('blobs', { reference: digest, file }, { signal });
        // One more, to see that it is longer than stated.
        return readBody(endpoint, answer, size + 1, signal);
      }, patience);
      if (digestOf(body) === digest) return body;
      throw new SourceError(
        'ChecksumMismatch',
        `${file} of ${repository}: its digest is ${digestOf(body)}, and the manifest states ${digest}. A proxy or mirror may alter it.`,
      );
    },
    openBlob(digest, file, range, signal) {
      return askFor('blobs', { reference: digest, file }, { headers: rangeHeaders(range), signal });
    },
    parsed(schema, content) {
      const { data, error } = schema.safeParse(content);
      if (error === undefined) return data;
      const problem = error.issues
        .map(({ path, message }) => `${path.join('.')} ${message}`.trim())
        .join('; ');
      throw new SourceError(
        'SourceUnreachable',
        `${endpoint} does not answer as an ${wording.registry} does for ${repository}: ${problem.slice(0, 300)}. Check ${wording.field}.`,
      );
    },
  };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Nothing, for a refusal which says that there is no such manifest. */
function unlessUnknown(error: unknown): undefined {
  if (error instanceof SourceError && ['RevisionNotFound', 'RepoNotFound'].includes(error.reason))
    return undefined;
  throw error;
}
