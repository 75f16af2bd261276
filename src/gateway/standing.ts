import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Live } from '../kube/kind.ts';
import type { Found } from './names.ts';
import { Refusal } from '../http-server/refusal.ts';

/** Seconds: weights are read, pods are scheduled. */
const soon = 5;

/** There is nothing of this name. */
export function unknownModel(asked: string): Refusal {
  return new Refusal(
    404,
    `The model '${asked}' does not exist here. GET /v1/models lists those that do; a name may be that of a ModelServer, one of its servedNames, that of its Model, or namespace/name.`,
    { code: 'model_not_found', param: 'model' },
  );
}

/** Why what was found takes no request now, in the words of the conditions. */
export function notReady(asked: string, found: Found): Refusal {
  if (found.model) return notServed(asked, found.model);
  // Of several, one that is on its way says more than one that is stuck.
  const [first] = found.servers;
  return serverNotReady(asked, found.servers.find((server) => !isStalled(server)) ?? first);
}

function serverNotReady(asked: string, server: Live<ModelServer>): Refusal {
  const { namespace, name } = server.metadata;
  if (server.spec.replicas === 0) {
    return new Refusal(
      503,
      `The model '${asked}' is not loaded: ModelServer ${namespace}/${name} has 0 replicas. Scale it: kubectl scale modelserver ${name} -n ${namespace} --replicas=1`,
      { code: 'model_not_ready' },
    );
  }
  return (
    standingOf(asked, server) ??
    waiting(asked, `ModelServer ${namespace}/${name} has no replica that is ready.`)
  );
}

function notServed(asked: string, model: Live<Model>): Refusal {
  const { namespace, name } = model.metadata;
  const standing = standingOf(asked, model, model.status?.progress?.text);
  if (standing) return standing;
  if (isReady(model)) {
    return new Refusal(
      404,
      `The model '${asked}' is pulled and not loaded: no ModelServer serves Model ${namespace}/${name}. Apply one whose spec.modelRef names it.`,
      { code: 'model_not_loaded', param: 'model' },
    );
  }
  return waiting(asked, `Model ${namespace}/${name} has not been looked at yet.`);
}

/** What the conditions say, unless that is Ready or nothing yet. */
function standingOf(
  asked: string,
  { kind, metadata: { namespace, name }, status }: Live<Model> | Live<ModelServer>,
  progress?: string,
): Refusal | undefined {
  const ready = findCondition(status?.conditions, 'Ready');
  if (!ready || ready.status === 'True') return undefined;
  const said = [ready.reason, progress, ready.message].filter((each) => each !== undefined && each !== '');
  const where = `${kind} ${namespace}/${name}: ${said.join(': ')}`;
  if (findCondition(status?.conditions, 'Stalled')?.status !== 'True') return waiting(asked, where);
  return new Refusal(503, `The model '${asked}' cannot be served. ${where}`, { code: 'model_failed' });
}

function waiting(asked: string, why: string): Refusal {
  return new Refusal(503, `The model '${asked}' is not ready yet. ${why}`, {
    code: 'model_not_ready',
    retryAfter: soon,
  });
}

function isStalled({ status }: Live<ModelServer>): boolean {
  return findCondition(status?.conditions, 'Stalled')?.status === 'True';
}

export function isReady({ status }: Live<Model> | Live<ModelServer>): boolean {
  return findCondition(status?.conditions, 'Ready')?.status === 'True';
}
