import { LoadState } from '../protocols/runtime.ts';
import type { Replica } from './replicas.ts';

/** Asks an address for its `GET /load`; undefined where that does not answer as the runtime does. */
export type AskLoad = (replica: Replica) => Promise<unknown>;

/**
 * The tokens that a request has, as replicas say it: what is derived at the load stands in no object. Each is asked once,
 * since it stays so as long as the pod lives.
 */
export class ContextSizes {
  readonly #ask: AskLoad;
  /** By uid of the pod. */
  #known = new Map<string, number>();

  constructor(ask: AskLoad) {
    this.#ask = ask;
  }

  /** By uid of the pod; those that do not say it are absent. Pods that are not asked for are forgotten. */
  async of(replicas: readonly Replica[]): Promise<ReadonlyMap<string, number>> {
    const known = this.#known;
    const all = await Promise.all(
      replicas.map(async (replica) => {
        const size = known.get(replica.uid) ?? (await this.#askOne(replica));
        return size === undefined ? [] : [[replica.uid, size] as const];
      }),
    );
    this.#known = new Map(all.flat());
    return this.#known;
  }

  async #askOne(replica: Replica): Promise<number | undefined> {
    return LoadState.safeParse(await this.#ask(replica)).data?.contextSize;
  }
}
