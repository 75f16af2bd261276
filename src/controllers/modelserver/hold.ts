import type { Model } from '../../api/model.ts';
import type { KubeClient } from '../../kube/client.ts';
import { addFinalizer } from '../../kube/finalizers.ts';
import type { Live } from '../../kube/kind.ts';
import { models } from '../kinds.ts';
import { inUseFinalizer } from '../labels.ts';
import { isForced } from '../model/deletion.ts';

/**
 * Has a Model that has published something stay for the server that is about to mount it: one write when its first server
 * comes, and none after that. Rejects with Conflict when the Model has changed meanwhile: it may be on its way out.
 */
export async function holdModel(
  client: Pick<KubeClient, 'patch'>,
  model: Live<Model> | undefined,
  signal: AbortSignal,
): Promise<void> {
  const isGoing = model?.metadata.deletionTimestamp !== undefined;
  if (!model?.status?.artifact || isGoing || isForced(model)) return;
  await addFinalizer(client, models, model, inUseFinalizer, signal);
}
