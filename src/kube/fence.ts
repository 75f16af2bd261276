import type { KubeClient, WriteOptions } from './client.ts';

/** This process must not act: it never led, does not lead any more, or cannot know that it still does. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

/** Keeps whoever does not lead from writing. */
export interface Fence {
  /** Throws NotLeaderError unless this process leads now, as judged by the clock at the time of the call. */
  check(): void;
  /** Aborted with a NotLeaderError when leadership ends, in whatever way. */
  readonly lost: AbortSignal;
}

/**
 * A client that checks before every write, each time that it is sent, and gives up writes that wait for an answer when
 * leadership ends; both reject with NotLeaderError. Reads pass.
 *
 * What a fence on this side of the network cannot do: a write that was given up, or was sent right before, may still
 * be carried out. The time between the end of leadership and the end of the lease is there for these; a write that must
 * not come late at all carries a resourceVersion.
 */
export function fencedClient(client: KubeClient, fence: Fence): KubeClient {
  const beforeSend = (): void => fence.check();
  const fenced = <O extends WriteOptions>(options: O | undefined): O => {
    const signal = options?.signal === undefined ? fence.lost : AbortSignal.any([options.signal, fence.lost]);
    return { ...options, signal, beforeSend } as O;
  };
  // Every method by name: a new one does not compile until it is on one side or the other.
  return {
    get: (kind, ref, options) => client.get(kind, ref, options),
    managersOf: (kind, ref, options) => client.managersOf(kind, ref, options),
    list: (kind, options) => client.list(kind, options),
    watch: (kind, options) => client.watch(kind, options),
    readLog: (pod, options) => client.readLog(pod, options),
    close: () => client.close(),
    create: (kind, object, options) => client.create(kind, object, fenced(options)),
    apply: (kind, object, options) => client.apply(kind, object, fenced(options)),
    applyStatus: (kind, object, options) => client.applyStatus(kind, object, fenced(options)),
    patch: (kind, ref, patch, options) => client.patch(kind, ref, patch, fenced(options)),
    delete: (kind, ref, options) => client.delete(kind, ref, fenced(options)),
  };
}
