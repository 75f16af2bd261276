import type { Model } from '../../../api/model.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Load, LoadedModel } from '../../../gguf/fit.ts';
import type { Live } from '../../../kube/kind.ts';
import { adapterFiles } from '../artifact.ts';
import type { Part } from '../parts.ts';

/**
 * What a replica loads, by what its Models have published, in the terms in which the runtime reckons before it loads
 * (src/runtime-image/room.ts).
 */
export function loadOf(
  { spec: { runtime } }: Pick<ModelServer, 'spec'>,
  model: Live<Model> | undefined,
  parts: readonly Part[],
): Load {
  const { adapters = [], parallel, kvCacheType: type, swaFullCache } = runtime;
  const draft = parts.find(({ use }) => use === 'Draft');
  const chosen = parts.filter(({ use }) => use === 'Adapter').map((part) => part.model);
  return {
    model: loaded(model),
    adapters: adapters.length,
    // Those of the model itself always count, as Ollama has them.
    adaptersBytes: [model, ...chosen].reduce((sum, each) => sum + adapterBytes(each), 0),
    draft: draft && loaded(draft.model),
    parallel,
    cache: { type, swaFullCache },
  };
}

function loaded(model: Live<Model> | undefined): LoadedModel {
  const { memory = {}, artifact, gguf } = model?.status ?? {};
  return { memory, sizeBytes: artifact?.sizeBytes ?? 0, trained: gguf?.contextLength };
}

function adapterBytes(model: Live<Model> | undefined): number {
  const { artifact } = model?.status ?? {};
  return artifact ? adapterFiles(artifact).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) : 0;
}
