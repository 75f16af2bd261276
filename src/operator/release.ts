import type { Model } from '../api/model.ts';
import { models } from '../controllers/kinds.ts';
import { inUseFinalizer } from '../controllers/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { hasFinalizer, removeFinalizer } from '../kube/finalizers.ts';
import type { Live } from '../kube/kind.ts';

/** Models of one page of a list. */
const pageSize = 500;
/** Writes at the same time. */
const atOnce = 16;

type Client = Pick<KubeClient, 'list' | 'get' | 'patch'>;

/**
 * Takes the finalizer of Longshore off every Model of a namespace, or of all. To be run when no operator is there to do
 * it: Models that servers used could not be deleted any more. Nothing else of them changes, and what was deleted already
 * goes. Answers how many had it; none where the CRD is not installed.
 */
export async function releaseModels(
  client: Client,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<number> {
  let released = 0;
  for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
    const page = await client
      .list(models, { namespace, limit: pageSize, continue: next, signal })
      .catch(unlessNotThere);
    if (!page) return released;
    const held = page.items.filter((model) => hasFinalizer(model, inUseFinalizer));
    for (let from = 0; from < held.length; from += atOnce) {
      await Promise.all(held.slice(from, from + atOnce).map((model) => release(client, model, signal)));
    }
    released += held.length;
    next = page.continue;
  }
  return released;
}

async function release(client: Client, listed: Live<Model>, signal: AbortSignal | undefined): Promise<void> {
  for (let model = listed; ;) {
    try {
      await removeFinalizer(client, models, model, inUseFinalizer, signal);
      return;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    const newer = await client.get(models, listed.metadata, { signal }).catch(unlessNotThere);
    if (!newer) return;
    model = newer;
  }
}

function unlessNotThere(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
