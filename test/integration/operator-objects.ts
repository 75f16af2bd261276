import { Model } from '../../src/api/model.ts';
import { ModelServer } from '../../src/api/modelserver.ts';
import { collectJob, inspectJob, pullJob } from '../../src/controllers/model/jobs/jobs.ts';
import { planRollout } from '../../src/controllers/modelserver/rollout/plan.ts';
import { workloadObjects } from '../../src/controllers/modelserver/workload/objects.ts';
import { aServerView, meta } from '../../src/controllers/testing/objects.ts';
import type { KubeObject } from '../../src/kube/kind.ts';
import { pullerImage, runtimeImages } from './operator-process.ts';

const network = {
  clients: [{ namespaceSelector: { matchLabels: { team: 'a' } } }],
  monitoring: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
  egress: [{ to: [{ podSelector: {} }], ports: [{ port: 15012, protocol: 'TCP' as const }] }],
};

/** What the operator makes for a Model or a ModelServer as people write it; for anything else, nothing. */
export function operatorObjects(written: KubeObject): KubeObject[] {
  const metadata = meta(written.metadata?.name ?? '');
  if (written.kind === 'Model') return jobsOf({ ...Model.parse({ ...written, metadata }), metadata });
  if (written.kind !== 'ModelServer') return [];
  const server = { ...ModelServer.parse({ ...written, metadata }), metadata };
  const { deployment } = planRollout(aServerView({ server, image: runtimeImages.cpu }))!;
  return workloadObjects(server, deployment, { network, pullSecrets: ['registry'] }).map(
    ({ kind: { apiVersion, kind }, object }) => ({ ...object, apiVersion, kind }),
  );
}

function jobsOf(model: Parameters<typeof inspectJob>[0]): KubeObject[] {
  const plan = { request: 'question', attempt: 1, image: pullerImage, defaults: {} };
  const claim = { name: 'claim', uid: 'uid' };
  return [
    inspectJob(model, plan),
    pullJob(model, { ...plan, revision: 'r', claimName: claim.name }),
    collectJob(model, { ...plan, claim, except: [], graceSeconds: 0 }),
  ].map((job) => ({ ...job, apiVersion: 'batch/v1', kind: 'Job' }));
}
