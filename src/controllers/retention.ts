import { controllerOf, type KubeObject, type Live } from '../kube/kind.ts';
import { labels, managedBy } from './labels.ts';

/** What marks a claim that is to outlive its Model. It has no owner, so that garbage collection leaves it. */
export const retained = { [labels.reclaimPolicy]: 'Retain' };

/** Whether a Job stands for files on a claim that is not the Model's, or removes them: it outlives the Model too. */
export function standsForFiles(job: Live<KubeObject>): boolean {
  return job.metadata.labels?.[labels.task] === 'collect' && controllerOf(job) === undefined;
}

/** Whether a claim is kept for the Model of this name: the one there is, or one that was deleted. */
export function isRetained(claim: Live<KubeObject>, model: string): boolean {
  const marks = Object.entries({ ...managedBy, ...retained, [labels.model]: model });
  return (
    controllerOf(claim) === undefined &&
    marks.every(([label, value]) => claim.metadata.labels?.[label] === value)
  );
}

/** Whether a claim is one that the Model of this uid has made, and whose owner somebody has taken off. */
export function isDisowned(claim: Live<KubeObject>, modelUid: string): boolean {
  return controllerOf(claim) === undefined && claim.metadata.labels?.[labels.modelUid] === modelUid;
}
