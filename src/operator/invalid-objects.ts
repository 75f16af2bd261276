import { z } from 'zod';
import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject, Live } from '../kube/kind.ts';

/** Events about objects that their schema rejects, from the leader alone; it makes up for what it saw before. */
export class InvalidObjects {
  readonly #events: Pick<EventRecorder, 'record'>;
  readonly #unsaid = new WeakMap<Live<KubeObject>, Error>();
  #leads = false;

  constructor(events: Pick<EventRecorder, 'record'>) {
    this.#events = events;
  }

  /** What an informer's `onInvalid` is told. */
  saw(object: Live<KubeObject>, error: Error): void {
    if (this.#leads) this.#say(object, error);
    else this.#unsaid.set(object, error);
  }

  /** From now on this process leads; `caches` know which objects are invalid still. */
  lead(caches: readonly { invalid(): Live<KubeObject>[] }[]): void {
    this.#leads = true;
    for (const object of caches.flatMap((cache) => cache.invalid())) {
      const error = this.#unsaid.get(object);
      if (error) this.#say(object, error);
    }
  }

  #say(object: Live<KubeObject>, error: Error): void {
    const note = `${told(error)}. Apply it again with the current CRDs installed.`;
    this.#events.record(object, { type: 'Warning', reason: 'InvalidObject', note });
  }
}

/** One line; an error of a schema is a list in JSON otherwise. */
function told(error: Error): string {
  if (!(error instanceof z.ZodError)) return error.message;
  return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
