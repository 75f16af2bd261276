import type { NamedSource } from '../api/choices.ts';
import { publicHub, publicRegistry, type ModelSource } from '../api/source.ts';
import { parseOllamaName } from './ollama/ollama-name.ts';

/** `spec.source` of a Model, as far as a name says it. */
export type SourceByName =
  { huggingFace: { repo: string; quantization?: string; revision?: string } } | { ollama: { model: string } };

/** A name of which cannot be told where it is from, or that is none there. The message is for people. */
export class ModelNameError extends Error {}

const hubHosts = new Set([new URL(publicHub).host, 'hf.co']);
const registryHosts = new Set([new URL(publicRegistry).host, 'ollama.com']);
/** `[host/]owner/name[:quantization][@revision]` */
const hubName =
  /^(?:(?<host>[^/]+)\/)?(?<repo>[^/:@]+\/[^/:@]+)(?::(?<quantization>[A-Za-z0-9_]+))?(?:@(?<revision>.+))?$/;

/**
 * What a name that people know from `ollama pull` or from a hub's page means. A host says where it is from, and so does a
 * name without an owner, which only Ollama has. Of `owner/name` that ends with GGUF, or that has an upper-case letter in
 * its owner, Hugging Face is meant: such names are not used on Ollama's registry.
 */
export function sourceByName(name: string, source?: NamedSource): SourceByName {
  const parts = name.split('/');
  const host = parts.length > 2 ? parts[0] : undefined;
  const from = source ?? sourceOf(parts, host);
  if (from === 'ollama') {
    const model = host !== undefined && registryHosts.has(host) ? parts.slice(1).join('/') : name;
    return { ollama: { model } };
  }
  const { repo, quantization, revision } = hubName.exec(name)?.groups ?? {};
  if (repo === undefined || (host !== undefined && !hubHosts.has(host))) {
    throw new ModelNameError(
      `"${name}" is no name of a model on Hugging Face: write owner/name, e.g. Qwen/Qwen3-8B-GGUF:Q4_K_M`,
    );
  }
  return {
    huggingFace: {
      repo,
      ...(quantization !== undefined && { quantization }),
      ...(revision !== undefined && { revision }),
    },
  };
}

function sourceOf(parts: string[], host: string | undefined): NamedSource {
  if (host !== undefined) return hubHosts.has(host) ? 'huggingface' : 'ollama';
  const [owner = '', model] = parts;
  if (model === undefined) return 'ollama';
  const isOfHub = /[A-Z]/.test(owner) || /gguf/i.test(model);
  if (isOfHub) return 'huggingface';
  throw new ModelNameError(`"${parts.join('/')}" may be a model on Hugging Face or on Ollama's registry`);
}

/** What `sourceByName` makes such a source of; undefined where a name cannot say it. */
export function nameOfSource({ huggingFace, ollama }: ModelSource): string | undefined {
  if (ollama) return ollama.model;
  if (!huggingFace || huggingFace.files !== undefined || huggingFace.bits !== undefined) return undefined;
  const { repo, quantization, revision } = huggingFace;
  return `${repo}${quantization === undefined ? '' : `:${quantization}`}${revision === 'main' ? '' : `@${revision}`}`;
}

/** The same for every way to write a name of a public hub or registry: with its host or without, with the usual tag or without. */
export function canonicalName(name: string): string {
  const [host = '', ...rest] = name.split('/');
  const isPublic = rest.length > 1 && (hubHosts.has(host) || registryHosts.has(host));
  const plain = (isPublic ? rest.join('/') : name).replace(/^library\/([^/]+)$/, '$1');
  return plain.replace(/:latest$/, '').toLowerCase();
}

/** The most that names of Models and ModelServers may have, since the names of what they own are longer. */
export const longestName = 40;

/** A name for the Model, by which the name that it was asked for with finds it again: `llama3.1:8b` is `llama3-1-8b`. */
export function objectNameFor(source: SourceByName): string {
  if ('huggingFace' in source) {
    const { repo, quantization } = source.huggingFace;
    const model = (repo.split('/')[1] ?? repo).replace(/[-_.]gguf$/i, '');
    return objectName(quantization === undefined ? model : `${model}-${quantization}`);
  }
  const { model, tag } = parseOllamaName(source.ollama.model);
  return objectName(tag === 'latest' ? model : `${model}-${tag}`);
}

function objectName(words: string): string {
  const plain = words.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const started = /^-?[0-9]/.test(plain) ? `m-${plain}` : plain;
  return started.replace(/^-+/, '').slice(0, longestName).replace(/-+$/, '');
}
