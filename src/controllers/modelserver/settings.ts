import type { FileRole, ModelFile, ModelStatus } from '../../api/model-status.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import { volumeFolder } from '../../protocols/puller.ts';
import { apiKeysFolder, type RuntimeSettings } from '../../protocols/runtime.ts';

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

/** Members that nobody chose are left out, so that a new one does not roll the servers that there are. */
export function runtimeSettings(
  { metadata, spec: { servedNames = [], runtime, gpu, auth } }: Live<ModelServer>,
  artifact: Artifact,
): RuntimeSettings {
  const entry = entryFile(artifact);
  if (!entry) throw new Error('a workload comes after the Model has published a GGUF model');
  const pathsOf = (role: FileRole): string[] =>
    artifact.files.filter((file) => file.role === role).map((file) => pathOf(artifact, file));
  const adapterPaths = pathsOf('adapter');
  const [templatePath, paramsPath, systemPath, messagesPath] = (
    ['template', 'params', 'system', 'messages'] as const
  ).map((role) => pathsOf(role)[0]);
  const ollama = {
    ...(templatePath !== undefined && { templatePath }),
    ...(paramsPath !== undefined && { paramsPath }),
    ...(systemPath !== undefined && { systemPath }),
    ...(messagesPath !== undefined && { messagesPath }),
  };
  return {
    servedName: metadata.name,
    ...(servedNames.length > 0 && { servedNames }),
    modelPath: pathOf(artifact, entry),
    modelDigest: artifact.digest,
    ...(adapterPaths.length > 0 && { adapterPaths }),
    ...(Object.keys(ollama).length > 0 && { ollama }),
    ...(runtime.contextSize !== undefined && { contextSize: runtime.contextSize }),
    parallel: runtime.parallel,
    gpu: gpu.count > 0,
    ...(auth && { apiKeys: { path: apiKeysFolder, name: `Secret ${auth.secretName}` } }),
  };
}

/** Where pods see a file of the artifact. */
function pathOf({ path: folder }: Artifact, { path }: ModelFile): string {
  return `${volumeFolder}/${folder}/${path}`;
}
