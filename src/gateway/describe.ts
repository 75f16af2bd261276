import type { Model } from '../api/model.ts';
import type { Live } from '../kube/kind.ts';
import { ollamaDetails, type OllamaShown } from '../protocols/ollama/models.ts';

/** When its files were published; long ago where that is not told. */
export function modifiedAt({ status }: Live<Model>): string {
  return status?.history?.[0]?.publishedAt ?? new Date(0).toISOString();
}

/** What the status tells of a model that no server has loaded: less than a server knows, whose file is open. */
export function shownOf(model: Live<Model>): OllamaShown {
  const facts = model.status?.gguf ?? {};
  const { architecture = 'unknown', parameterCount, contextLength, layers, license } = facts;
  const info = {
    'general.architecture': architecture,
    'general.parameter_count': parameterCount,
    [`${architecture}.context_length`]: contextLength,
    [`${architecture}.block_count`]: layers,
  };
  return {
    ...(license !== undefined && { license }),
    parameters: '',
    template: '',
    details: ollamaDetails(facts),
    model_info: Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined)),
    capabilities: ['completion'],
    modified_at: modifiedAt(model),
  };
}
