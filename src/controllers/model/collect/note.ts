import type { Model } from '../../../api/model.ts';
import type { PullerOptions } from '../../../api/puller-options.ts';
import type { Job, PersistentVolumeClaim } from '../../../kube/builtin.ts';
import type { Desired, Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { collectJob } from '../jobs/jobs.ts';
import { fingerprint } from '../view.ts';

/**
 * A note says that a Model has files on a claim that is not its own. It is the Job that would remove them, suspended: so
 * it is known what is to be done when the Model is gone, by whoever looks, and nothing keeps the Model from going
 * (docs/adr/0019). It has the attempt 0; the Jobs that run in the end have the same request and count from 1. One of
 * them is there until the files are gone.
 */
type Note = Desired<Job> & { metadata: { name: string; namespace: string } };

export function noteFor(
  model: Live<Model>,
  plan: { claim: { name: string; uid: string }; image: string; defaults: PullerOptions },
): Note {
  const request = fingerprint(['collect', model.metadata.uid, plan.claim.uid]);
  const { metadata, spec } = collectJob(model, { ...plan, request, attempt: 0, except: [], graceSeconds: 0 });
  return { metadata, spec: { ...spec, suspend: true } as Job['spec'] };
}

/**
 * The Job that does it. `before`, the note or the attempt that failed, as the API server has it, says where its pod may
 * run, by which Secrets its image is pulled, and nothing else: whoever may make Jobs can make one that looks like a note.
 */
export function runFor(
  { metadata: { namespace = '', labels: told = {} }, spec }: Live<Job>,
  { metadata: { name, uid } }: Live<PersistentVolumeClaim>,
  plan: { attempt: number; image: string; graceSeconds: number },
): Note {
  const { nodeSelector, tolerations = [] } = spec?.template.spec ?? {};
  const metadata = { name: told[labels.model] ?? '', namespace, uid: told[labels.modelUid] ?? '' };
  // What the operator was installed with has gone into the note already.
  const defaults = {};
  const puller = { nodeSelector, tolerations } as Model['spec']['puller'];
  const request = told[labels.request] ?? '';
  return collectJob(
    { metadata, spec: { puller } },
    { ...plan, defaults, request, claim: { name, uid }, except: [] },
  );
}
