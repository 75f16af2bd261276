import type { ModelStatus } from '../../api/model-status.ts';
import { jobs } from '../../kube/builtin.ts';
import { labels } from '../labels.ts';
import { childRef, type ChildRef, type Outcome } from '../step.ts';
import { hasEnded } from './jobs/attempts.ts';
import type { Task } from './jobs/jobs.ts';
import type { ModelView } from './view.ts';

/** Jobs of this task that have not ended. The pod of one that goes gets SIGTERM; what it has brought stays. */
export function runningJobs({ jobs: all }: Pick<ModelView, 'jobs'>, task: Task): ChildRef[] {
  return all
    .filter((job) => job.metadata.labels?.[labels.task] === task && !hasEnded(job))
    .map((job) => childRef(jobs, job));
}

/** Ends what runs, and leaves everything where it is until a person has the Model go on. */
export function suspended(view: ModelView, task: Task, where: string): Outcome<ModelStatus> {
  return {
    at: 'held',
    reason: 'Suspended',
    message: `${where} Set spec.suspend to false to go on.`,
    remove: runningJobs(view, task),
  };
}
