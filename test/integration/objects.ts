import type { z } from 'zod';
import { type Model, type ModelSpec } from '../../src/api/model.ts';
import { publicHub } from '../../src/api/source.ts';
import type { ModelServer, ModelServerSpec } from '../../src/api/modelserver.ts';
import { models, modelServers } from '../../src/controllers/kinds.ts';
import { findCondition, type Condition } from '../../src/kube/conditions.ts';
import type { Desired, Kind, KubeObject, Live } from '../../src/kube/kind.ts';

/** Objects as people write them: without what the API server fills in. */
export interface ModelAsWritten extends KubeObject {
  spec: z.input<typeof ModelSpec>;
}
export interface ServerAsWritten extends KubeObject {
  spec: z.input<typeof ModelServerSpec>;
}

export const modelsAsWritten: Kind<ModelAsWritten> = { ...models, schema: undefined };
export const serversAsWritten: Kind<ServerAsWritten> = { ...modelServers, schema: undefined };

export interface ModelChoices extends Partial<Omit<z.input<typeof ModelSpec>, 'source'>> {
  repo?: string;
  revision?: string;
  /** Of an Ollama registry, in place of repo and revision. */
  ollama?: string;
  /** A claim with the files in its folder `models`, in place of both. */
  volume?: string;
}

export function aModel(
  namespace: string,
  name: string,
  { repo = 'owner/name', revision = 'main', ollama, volume, ...spec }: ModelChoices,
): [Kind<ModelAsWritten>, Desired<ModelAsWritten>] {
  const source: ModelAsWritten['spec']['source'] = {};
  if (volume !== undefined) source.volume = { claimName: volume, path: 'models' };
  else if (ollama !== undefined) source.ollama = { model: ollama };
  else source.huggingFace = { repo, revision, endpoint: publicHub };
  return [modelsAsWritten, { metadata: { namespace, name }, spec: { source, ...spec } }];
}

export type ServerChoices = { model: string } & Partial<z.input<typeof ModelServerSpec>>;

export function aServer(
  namespace: string,
  name: string,
  { model, ...spec }: ServerChoices,
): [Kind<ServerAsWritten>, Desired<ServerAsWritten>] {
  return [serversAsWritten, { metadata: { namespace, name }, spec: { modelRef: { name: model }, ...spec } }];
}

type WithConditions = Live<Model> | Live<ModelServer>;

export function conditionOf(object: WithConditions | undefined, type: string): Condition | undefined {
  return findCondition(object?.status?.conditions, type);
}

/** What `kubectl get` shows as STATUS. */
export function reasonOf(object: WithConditions | undefined): string | undefined {
  return conditionOf(object, 'Ready')?.reason;
}

/** Ready, as kstatus reads it: said of the spec that is there now. */
export function isReady(object: WithConditions): boolean {
  return isCurrent(object) && conditionOf(object, 'Ready')?.status === 'True';
}

export function isStalled(object: WithConditions): boolean {
  return isCurrent(object) && conditionOf(object, 'Stalled')?.status === 'True';
}

/** Said of the spec that is there now. */
export function isCurrent({ status, metadata }: WithConditions): boolean {
  return status?.observedGeneration === metadata.generation;
}

/** `Ready Reconciling Stalled` as one line, e.g. `False/Resolving True False`. */
export function summary(object: WithConditions | undefined): string {
  const state = (type: string): string => conditionOf(object, type)?.status ?? 'absent';
  return `${state('Ready')}/${reasonOf(object)} ${state('Reconciling')} ${state('Stalled')}`;
}
