import { createHash } from 'node:crypto';
import type { FileRole, MemoryFacts, ModelFile } from '../../src/api/model-status.ts';
import type { Inspection, Publication } from '../../src/protocols/puller.ts';

export interface Weights {
  inspection: Inspection;
  publication: Publication;
}

interface WeightsChoices {
  sizeBytes?: number;
  revision?: string;
  /** One file each, of a name after its role. */
  roles?: readonly FileRole[];
  /** What its header says that it takes of memory. */
  memory?: MemoryFacts;
}

/** What a puller would say of a model of this size at this commit. */
export function weights({
  sizeBytes = 4_700_000_000,
  revision = commit('first'),
  roles,
  memory,
}: WeightsChoices = {}): Weights {
  const gguf = {
    architecture: 'qwen3',
    parameterCount: 8_000_000_000,
    parameters: '8.0B',
    quantization: 'Q4_K_M',
    contextLength: 32_768,
    layers: 36,
    license: 'apache-2.0',
  };
  const sha256 = createHash('sha256').update(revision).digest('hex');
  const files: ModelFile[] = roles?.map((role) => ({ path: role, sizeBytes, sha256, role })) ?? [
    { path: 'model-Q4_K_M.gguf', sizeBytes, sha256, role: 'model' },
  ];
  return {
    inspection: { revision, sizeBytes, fileCount: files.length, gguf, ...(memory && { memory }) },
    publication: {
      revision,
      digest: `sha256:${sha256}`,
      sizeBytes,
      path: `hf/owner/name/${revision}`,
      fileCount: files.length,
      files,
    },
  };
}

export function commit(seed: string): string {
  return createHash('sha1').update(seed).digest('hex');
}
