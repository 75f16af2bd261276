import type { OllamaSource } from '../../api/source.ts';
import { jsonOf } from '../ask.ts';
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
import { parseOllamaName, registryOf, repositoryOf } from './ollama-name.ts';
import { openRegistry, type RegistryOptions } from '../registry/registry.ts';
import { isSafePath } from '../repo-path.ts';
import type { Source } from '../source.ts';

const wording = {
  registry: 'Ollama registry',
  content: 'model',
  field: 'spec.source.ollama.model',
} as const;

/** A model of a registry that Ollama pulls from: manifests of docker's form, whose layers are files. */
export function ollamaSource(spec: OllamaSource, options: RegistryOptions): Source {
  const name = parseOllamaName(spec.model);
  const model = repositoryOf(spec);
  const endpoint = registryOf(spec);
  const registry = openRegistry({ endpoint, repository: model, wording, manifestTypes }, options);

  async function fetchConfig(config: Manifest['config']): Promise<ModelConfig> {
    const { size } = config;
    if (size > mostConfigBytes) throw unsupported(`${model} is no model: its config has ${size} bytes`);
    const body = await registry.fetchBlob(config, 'config.json');
    return registry.parsed(ModelConfig, jsonOf(body));
  }

  return {
    name: `ollama:${spec.model}`,
    async resolve(pinned) {
      const wanted = pinned ?? name.digest;
      const {
        body,
        content,
        digest: revision,
      } = wanted === undefined
        ? await registry.fetchManifest(name.tag)
        : await registry.fetchPinned(wanted, name.tag);
      if (ManifestList.safeParse(content).success) {
        throw unsupported(`${model}:${name.tag} is a list of manifests and not a model`);
      }
      const manifest = registry.parsed(Manifest, content);
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
    isStill: async (revision) => (name.digest ?? (await registry.digestOf(name.tag))) === revision,
    open(_revision, file, range, signal) {
      return registry.openBlob(`sha256:${file.digest.hex}`, file.path, range, signal);
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
