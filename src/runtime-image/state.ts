import type { LoadState } from '../protocols/runtime.ts';
import type { Engine } from './engine.ts';
import type { ServedModel } from './served-model.ts';

/** Where the process stands. main.ts writes it, the routes read it. */
export interface RuntimeState {
  /** What answers call the model. */
  servedName: string;
  /** All that clients may call it; `servedName` is the first. */
  readonly names: readonly string[];
  /** What they send in place of these for an adapter; known before anything is loaded. */
  readonly adapterNames: readonly string[];
  /** Digest of the weights, where it is known. */
  modelDigest?: string | undefined;
  /** When the process started; what /v1/models says as `created`. */
  readonly startedAt: Date;
  load: LoadState;
  /** There once the load is over. */
  engine?: Engine;
  /** Those of its adapters, by name; there with the engine. */
  adapters: ReadonlyMap<string, Engine>;
  /** There with the engine. */
  model?: ServedModel;
  /** The process was asked to end: it finishes what it has and should get nothing new. */
  draining: boolean;
  /** Aborted when the time to finish is over. */
  readonly lastCall: AbortController;
}

/** @param furtherNames what clients may call the model beside `servedName` */
export function newState(
  servedName: string,
  startedAt: Date,
  furtherNames: readonly string[] = [],
  adapterNames: readonly string[] = [],
): RuntimeState {
  return {
    servedName,
    names: [...new Set([servedName, ...furtherNames])],
    adapterNames,
    startedAt,
    load: { phase: 'loading', percent: 0 },
    adapters: new Map(),
    draining: false,
    lastCall: new AbortController(),
  };
}
