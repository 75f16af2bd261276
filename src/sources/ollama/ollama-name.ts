import { publicRegistry, type OllamaSource } from '../../api/source.ts';
import { withoutSlash } from '../ask.ts';
import { SourceError } from '../source.ts';

/** A name as Ollama reads it, with its defaults (ollama, `types/model/name.go`). */
export interface OllamaName {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
  /** Of the manifest, where the name pins one: `sha256:<hex>`. */
  readonly digest: string | undefined;
}

const defaults = { host: new URL(publicRegistry).host, namespace: 'library', tag: 'latest' };

/** @param name As the schema of `spec.source.ollama.model` admits it. */
export function parseOllamaName(name: string): OllamaName {
  const [reference = '', digest] = name.split('@');
  const [last = '', namespace = defaults.namespace, host = defaults.host] = reference.split('/').toReversed();
  const [model = '', tag = defaults.tag] = last.split(':');
  return { host, namespace, model, tag, digest };
}

/** What the model is to its registry. */
export function repositoryOf({ model }: OllamaSource): string {
  const name = parseOllamaName(model);
  return `${name.namespace}/${name.model}`;
}

/**
 * The address of the registry that has a model: the one the name begins with, or the one of the spec.
 * @throws SourceError RepoNotFound when the name begins with something else.
 */
export function registryOf({ model, endpoint = publicRegistry }: OllamaSource): string {
  const { host } = parseOllamaName(model);
  const registry = host === defaults.host ? withoutSlash(endpoint) : `https://${host}`;
  if (URL.canParse(registry)) return registry;
  throw new SourceError(
    'RepoNotFound',
    `${model} begins with ${host}, which is no host, with or without a port. Check spec.source.ollama.model.`,
  );
}
