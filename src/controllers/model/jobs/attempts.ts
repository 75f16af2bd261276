import { PullerReport, transientReasons } from '../../../protocols/puller.ts';
import type { Model } from '../../../api/model.ts';
import type { Reason } from '../../../api/reasons.ts';
import type { Job, Pod } from '../../../kube/builtin.ts';
import { findCondition } from '../../../kube/conditions.ts';
import { controllerOf, type Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import {
  evictionOf,
  hasEnded as podHasEnded,
  hasSucceeded,
  lossOf,
  newestFirst,
  terminationMessage,
  troubleOf,
  type PodTrouble,
} from '../../pods.ts';
import { reasonOfRefusal } from '../../refusal.ts';
import type { Task } from './jobs.ts';
import type { ModelView } from '../view.ts';

/** Where the newest Job for a request stands. */
export type Attempt =
  | { state: 'none' }
  | {
      state: 'running';
      number: number;
      job: Live<Job>;
      pod: Live<Pod> | undefined;
      trouble: PodTrouble | undefined;
      /** What an earlier pod of the Job ended with. */
      failure: { reason: Reason; message: string } | undefined;
      /** Seconds for which the last words of a pod may still be on their way. */
      recheckAfter: number | undefined;
    }
  | { state: 'succeeded'; number: number; job: Live<Job>; report: PullerReport }
  | {
      state: 'failed';
      number: number;
      job: Live<Job>;
      reason: Reason;
      message: string;
      secondsToNext: number;
    };

/** The pod's last status may reach its cache a moment after the Job's did. */
const secondsForLastWords = 5;

/** 10 s after the first failure, twice as long after each further one, at most 5 min, or an hour, or `most`, where nobody waits. */
export function secondsBetweenAttempts(
  failures: number,
  task: Task,
  most = task === 'collect' ? 3600 : 300,
): number {
  return Math.min(most, 10 * 2 ** (failures - 1));
}

export function hasEnded({ status }: Live<Job>): boolean {
  return ['Complete', 'Failed'].some((type) => findCondition(status?.conditions, type)?.status === 'True');
}

/** A reason that more time may mend, as opposed to a person. */
export function mayPassByItself(reason: Reason): boolean {
  return transientReasons.has(reason) || reason === 'DeadlineExceeded' || reason === 'QuotaExceeded';
}

interface Looked extends Pick<ModelView, 'jobs' | 'pods' | 'now'> {
  model: Live<Model> | undefined;
  /** Where they were asked for. */
  refusals?: ModelView['refusals'];
}

/** Of each task: what its report may have, and the condition that tells of it. */
const answers = {
  inspect: { members: ['inspection', 'unchanged'], condition: 'Resolved' },
  pull: { members: ['publication'], condition: 'Pulled' },
  collect: { members: ['collection'], condition: undefined },
} as const;

/**
 * What a pod of the Job found counts as soon as its container has ended well: the Job controller may be behind by
 * seconds, and whatever it still makes of the Job, a publication is on the volume and an inspection is an answer.
 */
export function newestAttempt(
  { model, jobs, pods, refusals, now }: Looked,
  task: Task,
  request: string,
  mostSeconds?: number,
): Attempt {
  const ours = jobs.filter(
    ({ metadata }) => metadata.labels?.[labels.task] === task && metadata.labels[labels.request] === request,
  );
  const numberOf = (job: Live<Job>): number => Number(job.metadata.labels?.[labels.attempt] ?? 1);
  const job = ours.toSorted((a, b) => numberOf(b) - numberOf(a))[0];
  if (!job) return { state: 'none' };

  const number = numberOf(job);
  const podsOfJob = newestFirst(pods.filter((pod) => controllerOf(pod)?.uid === job.metadata.uid));
  const { members, condition } = answers[task];
  const isAnswer = (report: PullerReport): boolean => members.some((member) => member in report);
  const reports = podsOfJob.flatMap((pod) => {
    const report = reportOf(pod);
    return report && (isAnswer(report) || 'failure' in report) ? [{ pod, report }] : [];
  });
  const found = reports.find(({ pod, report }) => isAnswer(report) && hasSucceeded(pod));
  if (found) return { state: 'succeeded', number, job, report: found.report };
  const report = reports[0]?.report;
  const pod = podsOfJob[0];
  const [eviction] = podsOfJob.filter(podHasEnded).slice(0, 1).map(evictionOf);
  const reported = report && 'failure' in report ? report.failure : undefined;
  const failure = eviction === undefined ? reported : { reason: 'Evicted' as const, message: eviction };
  const trouble = pod && (lossOf(pod) ?? troubleOf(pod));
  const running = { state: 'running' as const, number, job, pod, trouble, failure };
  // A spec that changed since the failure was told may be the mended one: no reason to wait.
  const told = condition && findCondition(model?.status?.conditions, condition);
  const changed =
    told?.observedGeneration !== undefined &&
    model !== undefined &&
    told.observedGeneration < model.metadata.generation;
  const pauseAfter = (since: number): number =>
    changed ? 0 : Math.max(0, secondsBetweenAttempts(number, task, mostSeconds) - since);
  const failed = findCondition(job.status?.conditions, 'Failed');
  const complete = findCondition(job.status?.conditions, 'Complete');
  const end = failed?.status === 'True' ? failed : complete?.status === 'True' ? complete : undefined;
  if (end) {
    const since = (now.getTime() - Date.parse(end.lastTransitionTime ?? now.toISOString())) / 1000;
    if (!report && since < secondsForLastWords) {
      return { ...running, recheckAfter: secondsForLastWords - since };
    }
    return { state: 'failed', number, job, secondsToNext: pauseAfter(since), ...failureOf(job, report, end) };
  }
  const refusal = pod ? undefined : refusals?.get(job.metadata.uid);
  if (refusal === undefined) return { ...running, recheckAfter: undefined };
  const age = (now.getTime() - Date.parse(job.metadata.creationTimestamp ?? now.toISOString())) / 1000;
  const message = `Job ${job.metadata.name} gets no pod: ${refusal}`;
  const secondsToNext = pauseAfter(age);
  return { state: 'failed', number, job, secondsToNext, reason: reasonOfRefusal(refusal), message };
}

function reportOf(pod: Live<Pod>): PullerReport | undefined {
  const text = terminationMessage(pod);
  if (text === undefined) return undefined;
  try {
    return PullerReport.parse(JSON.parse(text));
  } catch {
    // A container that was killed leaves no report, or the tail of its log.
    return undefined;
  }
}

function failureOf(
  job: Live<Job>,
  report: PullerReport | undefined,
  end: { reason?: string | undefined; message?: string | undefined },
): { reason: Reason; message: string } {
  if (report && 'failure' in report) return report.failure;
  const log = `kubectl logs -n ${job.metadata.namespace} job/${job.metadata.name}`;
  if (end.reason === 'DeadlineExceeded') {
    return {
      reason: 'DeadlineExceeded',
      message: `Job ${job.metadata.name} did not finish in time. Look at its pod, and at: ${log}`,
    };
  }
  return {
    reason: 'PullerFailed',
    message: `Job ${job.metadata.name} ended without a report (${end.message ?? end.reason ?? 'no reason given'}). Read: ${log}`,
  };
}
