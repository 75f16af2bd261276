/**
 * The hub asked as a registry, as `ollama pull hf.co/owner/name:quantization` does. Its answers and its words follow
 * huggingface.co as reported in llama.cpp#11195 and hub-docs#2702.
 */
import { createHash } from 'node:crypto';
import { pieceInName, quantizationInName } from '../../src/gguf/quantization.ts';
import { goodLine, serveBytes } from './bytes.ts';
import { answer, answerJson } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { manifestType } from './registry/push.ts';
import { findCommit } from './repo.ts';
import type { Entry, StoredRepo } from './repo.ts';

/** @param path What follows the name: `manifests` or `blobs`, and a tag or a digest. */
export async function answerAsRegistry(
  repo: StoredRepo,
  exchange: Exchange,
  [kind, reference = '']: string[],
  signedUrl: (entry: Entry) => string,
): Promise<void> {
  const ggufs = [...(findCommit(repo, 'main')?.entries.values() ?? [])].filter(
    ({ path }) => path.endsWith('.gguf') && !path.includes('mmproj'),
  );
  if (kind === 'blobs') return await answerBlob(exchange, ggufs, reference, signedUrl);
  if (ggufs.length === 0) {
    return refuse(exchange, 'Repository is not GGUF or is not compatible with llama.cpp');
  }
  const chosen = reference === 'latest' ? ofLatest(ggufs) : ggufs.find((entry) => isTag(entry, reference));
  if (chosen?.lfs === undefined) {
    return refuse(
      exchange,
      'The specified tag is not available in the repository. Please use another tag or "latest"',
    );
  }
  if (pieceInName(chosen.path) !== undefined) {
    return refuse(
      exchange,
      'The specified tag is a sharded GGUF. Ollama does not support this yet. Please use another tag or "latest".',
    );
  }
  const layer = (name: string, content: string) => ({
    digest: digestOf(content),
    mediaType: `application/vnd.ollama.image.${name}`,
    size: Buffer.byteLength(content),
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      digest: digestOf(config),
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: config.length,
    },
    layers: [
      {
        digest: `sha256:${chosen.lfs.oid}`,
        mediaType: 'application/vnd.ollama.image.model',
        size: chosen.size,
      },
      layer('params', params),
    ],
    // For llama.cpp alone, which asks the hub's own API for the file.
    ...(exchange.request.headers['user-agent'] === 'llama-cpp' && {
      ggufFile: { rfilename: chosen.path, size: chosen.size },
    }),
  };
  answerJson(exchange, 200, manifest);
}

const config = JSON.stringify({
  model_format: 'gguf',
  model_family: 'llama',
  architecture: 'amd64',
  os: 'linux',
});
const params = JSON.stringify({ stop: ['<|end|>'] });

async function answerBlob(
  exchange: Exchange,
  ggufs: readonly Entry[],
  digest: string,
  signedUrl: (entry: Entry) => string,
): Promise<void> {
  const entry = ggufs.find(({ lfs }) => `sha256:${lfs?.oid}` === digest);
  if (entry !== undefined) return answer(exchange, 307, { Location: signedUrl(entry) });
  const small = [config, params].find((content) => digestOf(content) === digest);
  if (small === undefined) return answerJson(exchange, 404, { error: 'Blob not found' });
  const content = Buffer.from(small);
  await serveBytes(exchange, { content, size: content.byteLength }, {}, goodLine());
}

/** What stands for no quantization in particular. */
function ofLatest(ggufs: readonly Entry[]): Entry | undefined {
  const named = (pattern: RegExp) => ggufs.find(({ path }) => pattern.test(quantizationInName(path) ?? ''));
  return named(/^Q4_K_M$/) ?? named(/^Q4/) ?? ggufs[0];
}

function isTag({ path }: Entry, tag: string): boolean {
  return path === tag || quantizationInName(path) === tag.toUpperCase();
}

function refuse(exchange: Exchange, error: string): void {
  answerJson(exchange, 400, { error });
}

function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
