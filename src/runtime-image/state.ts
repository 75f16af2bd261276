import type { LoadState } from '../protocols/runtime.ts';
import type { Engine } from './engine.ts';
import type { ServedModel } from './served-model.ts';

/** Where the process stands. main.ts writes it, the routes read it. */
export interface RuntimeState {
  servedName: string;
  /** When the process started; what /v1/models says as `created`. */
  readonly startedAt: Date;
  load: LoadState;
  /** There once the load is over. */
  engine?: Engine;
  /** There with the engine. */
  model?: ServedModel;
  /** The process was asked to end: it finishes what it has and should get nothing new. */
  draining: boolean;
  /** Aborted when the time to finish is over. */
  readonly lastCall: AbortController;
}

export function newState(servedName: string, startedAt: Date): RuntimeState {
  return {
    servedName,
    startedAt,
    load: { phase: 'loading', percent: 0 },
    draining: false,
    lastCall: new AbortController(),
  };
}
