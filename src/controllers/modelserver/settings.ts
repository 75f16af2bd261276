import type { FileRole, ModelFile } from '../../api/model-status.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import { volumeFolder } from '../../protocols/puller.ts';
import { apiKeysFolder, type RuntimeSettings } from '../../protocols/runtime.ts';
import { adapterFiles, entryFile, type Artifact } from './artifact.ts';
import { claimFolder, type PublishedPart } from './parts.ts';

/** Members that nobody chose are left out, so that a new one does not roll the servers that there are. */
export function runtimeSettings(
  { metadata, spec: { servedNames = [], runtime, gpu, auth } }: Live<ModelServer>,
  artifact: Artifact,
  parts: readonly PublishedPart[] = [],
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
    ...partSettings(parts, artifact),
    ...(runtime.promptLookup !== undefined && { promptLookup: runtime.promptLookup }),
    ...(Object.keys(ollama).length > 0 && { ollama }),
    ...(runtime.contextSize !== undefined && { contextSize: runtime.contextSize }),
    parallel: runtime.parallel,
    gpu: gpu.count > 0,
    ...(runtime.gpuLayers !== undefined && { gpuLayers: runtime.gpuLayers }),
    ...(runtime.kvCacheType !== undefined && { kvCacheType: runtime.kvCacheType }),
    ...(runtime.flashAttention !== undefined && { flashAttention: runtime.flashAttention }),
    ...(runtime.swaFullCache !== undefined && { swaFullCache: runtime.swaFullCache }),
    ...(auth && { apiKeys: { path: apiKeysFolder, name: `Secret ${auth.secretName}` } }),
  };
}

/** Where the runtime finds adapters and the draft model. */
function partSettings(
  parts: readonly PublishedPart[],
  { claimName }: Artifact,
): Pick<RuntimeSettings, 'adapters' | 'draftModelPath'> {
  const adapters = parts.flatMap(({ use, name, scale, artifact }) => {
    const [file] = adapterFiles(artifact);
    if (use !== 'Adapter' || !file) return [];
    return [{ name, path: pathOf(artifact, file, claimFolder(artifact.claimName, claimName)), scale }];
  });
  const draft = parts.find(({ use }) => use === 'Draft')?.artifact;
  const file = draft && entryFile(draft);
  return {
    ...(adapters.length > 0 && { adapters }),
    ...(file && { draftModelPath: pathOf(draft, file, claimFolder(draft.claimName, claimName)) }),
  };
}

/** Where pods see a file of the artifact. */
function pathOf({ path: folder }: Artifact, { path }: ModelFile, claim = volumeFolder): string {
  return `${claim}/${folder}/${path}`;
}
