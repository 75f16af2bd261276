import type { KubeClient } from './client.ts';
import type { Kind, KubeObject, Live } from './kind.ts';

/** Told of every object that a write was answered with, as it came. */
export type Observe = <T extends KubeObject>(kind: Kind<T>, object: Live<T>) => void;

/** A client whose writes are seen by `observe` before the writer goes on: a cache need not wait for the watch. */
export function observingClient(client: KubeClient, observe: Observe): KubeClient {
  const seen = async <T extends KubeObject>(kind: Kind<T>, answer: Promise<Live<T>>): Promise<Live<T>> => {
    const object = await answer;
    observe(kind, object);
    return object;
  };
  return {
    ...client,
    create: (kind, object, options) => seen(kind, client.create(kind, object, options)),
    apply: (kind, object, options) => seen(kind, client.apply(kind, object, options)),
    applyStatus: (kind, object, options) => seen(kind, client.applyStatus(kind, object, options)),
    patch: (kind, ref, patch, options) => seen(kind, client.patch(kind, ref, patch, options)),
  };
}
