import type { ModelFile, ModelStatus } from '../../api/model-status.ts';

export type Artifact = NonNullable<ModelStatus['artifact']>;

/**
 * The file that is loaded: the first GGUF model, as the source listed or the spec named them. None when the artifact is
 * only a part of a model, such as a LoRA adapter.
 */
export function entryFile({ files }: Artifact): ModelFile | undefined {
  // Artifacts of an earlier release say nothing of roles.
  const roles = files.some(({ role }) => role !== undefined);
  return files.find(({ path, role }) => (roles ? role === 'model' : path.toLowerCase().endsWith('.gguf')));
}

/** LoRA adapters, as the headers of the files say it. */
export function adapterFiles({ files }: Artifact): ModelFile[] {
  return files.filter(({ role }) => role === 'adapter');
}
