import type { Model } from '../../api/model.ts';
import type { ModelServer, ModelServerStatus } from '../../api/modelserver.ts';
import { reasons } from '../../api/reasons.ts';
import type { ServedParts } from '../../api/rollout.ts';
import { partsNamed, type PartRef } from '../../api/runtime-options.ts';
import type { Live } from '../../kube/kind.ts';
import { volumeFolder } from '../../protocols/puller.ts';
import { listed } from '../../sources/names.ts';
import type { Outcome } from '../step.ts';
import { condense } from '../text.ts';
import { adapterFiles, entryFile, type Artifact } from './artifact.ts';

/** A Model that is loaded beside the one that is served: a LoRA adapter that requests name, or a model that drafts. */
export interface Part extends PartRef {
  /** When there is one. */
  model: Live<Model> | undefined;
}

export interface PublishedPart extends PartRef {
  artifact: Artifact;
}

/** @param find Models of the server's namespace */
export function partsOf(
  { spec }: Live<ModelServer>,
  find: (name: string) => Live<Model> | undefined,
): Part[] {
  return partsNamed(spec.runtime).map((part) => ({ ...part, model: find(part.name) }));
}

/** Those that have published something: all of them, once the server is given a workload. */
export function publishedParts(parts: readonly Part[]): PublishedPart[] {
  return parts.flatMap(({ model, ...part }) => {
    const artifact = model?.status?.artifact;
    return artifact ? [{ ...part, artifact }] : [];
  });
}

/** Bytes of all that is loaded: how long that takes goes by them. */
export function bytesToLoad({ sizeBytes }: Artifact, parts: readonly PublishedPart[]): number {
  return parts.reduce((sum, { artifact }) => sum + artifact.sizeBytes, sizeBytes);
}

/** Claims of parts that are not the model's own, each once. */
export function furtherClaims({ claimName }: Artifact, parts: readonly PublishedPart[]): string[] {
  return [...new Set(parts.map(({ artifact }) => artifact.claimName))].filter((name) => name !== claimName);
}

/** Where the pods see a claim. */
export function claimFolder(claimName: string, ownClaim: string): string {
  return claimName === ownClaim ? volumeFolder : `/parts/${claimName}`;
}

export function partsStatus(parts: readonly PublishedPart[]): ServedParts {
  return parts.map(({ use, name, artifact: { revision, digest, claimName } }) => ({
    use,
    name,
    revision,
    digest,
    claimName,
  }));
}

/** The field of the ModelServer that names it. */
export function fieldOf({ use }: Pick<Part, 'use'>): string {
  return use === 'Adapter' ? 'spec.runtime.adapters' : 'spec.runtime.draftModelRef.name';
}

/** Why what a part has published is of no use to the model; what is not known yet shows when it is loaded. */
export function misfitOf(
  { use, name, model }: Part,
  own: Live<Model>,
): Outcome<ModelServerStatus> | undefined {
  const { artifact, gguf } = model?.status ?? {};
  if (!artifact) return undefined;
  const files = listed(artifact.files.map(({ path }) => path));
  const { name: ownName } = own.metadata;
  const others = own.status?.gguf ?? {};
  const differ = (one: string | undefined, other: string | undefined) =>
    one !== undefined && other !== undefined && one !== other;
  if (use === 'Draft') {
    if (!entryFile(artifact)) {
      const holds = condense(`Model "${name}" holds no GGUF model to draft with, only ${files}`);
      return { at: 'blocked', reason: 'NotServable', message: `${holds}. ${reasons.NotServable.action}` };
    }
    if (!differ(gguf?.tokenizer, others.tokenizer)) return undefined;
    const message = `Model "${name}" cannot draft for "${ownName}": its tokenizer is of the kind ${gguf?.tokenizer}, and not ${others.tokenizer}. ${reasons.IncompatibleDraft.action}`;
    return { at: 'blocked', reason: 'IncompatibleDraft', message };
  }
  const { length } = adapterFiles(artifact);
  if (length !== 1) {
    const what = length === 0 ? 'no LoRA adapter in GGUF' : `${length} LoRA adapters, and one is needed`;
    const holds = condense(`Model "${name}" holds ${what}: ${files}`);
    return { at: 'blocked', reason: 'NotServable', message: `${holds}. ${reasons.NotServable.action}` };
  }
  if (!differ(gguf?.architecture, others.architecture)) return undefined;
  const message = `The adapter of Model "${name}" is for the architecture ${gguf?.architecture}, and "${ownName}" is ${others.architecture}. ${reasons.IncompatibleAdapter.action}`;
  return { at: 'blocked', reason: 'IncompatibleAdapter', message };
}
