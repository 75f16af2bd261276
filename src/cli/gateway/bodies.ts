import type { NewModel, NewServer } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';

/** The body of `POST /models/pull` that asks for this Model. @throws CliError on what a gateway does not take */
export function pullBody({ metadata, spec }: NewModel, namespace: string): object {
  const { source, credentials, storage } = spec;
  if (credentials) {
    throw new CliError(
      exitCodes.usage,
      'A gateway takes no --token-secret: it would read a Secret for whoever asks.',
      'Pull it with the kubeconfig, without --server.',
    );
  }
  const common = {
    model_id: metadata.name,
    namespace,
    storage_class: storage?.storageClassName,
    storage_size: storage?.size,
  };
  if (source.ollama) {
    const { model, endpoint } = source.ollama;
    return { ...common, name: model, source: 'ollama', endpoint };
  }
  const { repo, revision, quantization, bits, files, endpoint } = source.huggingFace ?? { repo: '' };
  return {
    ...common,
    name: repo,
    source: 'huggingface',
    revision,
    quantization,
    quantization_bits: bits,
    files,
    endpoint,
  };
}

/** The body of `POST /models/load` that asks for this server. */
export function loadBody({ metadata, spec }: NewServer, namespace: string): object {
  return {
    model_id: spec.modelRef.name,
    server: metadata.name,
    namespace,
    replicas: spec.replicas,
    gpus: spec.gpu?.count,
    context_size: spec.runtime?.contextSize,
    parallel: spec.runtime?.parallel,
  };
}
