import { parseDuration } from '../../../api/duration.ts';
import type { ModelStatus } from '../../../api/model-status.ts';
import type { Model } from '../../../api/model.ts';
import type { Live } from '../../../kube/kind.ts';
import { requestedAtAnnotation } from '../../labels.ts';
import { canMove } from './content.ts';
import { fingerprint, inspectRequest, type Resolved } from '../view.ts';

/** So much of a value of the annotation is looked at, which is all that the status holds. */
const mostOfRequest = 256;
/** A timer is set for a day at most: what is looked at too early is only looked at. */
const longestWaitSeconds = 86_400;

/** What somebody has asked for by annotation: any value, and another one asks anew. */
export function requestedAt({ metadata }: Live<Model>): string | undefined {
  return metadata.annotations?.[requestedAtAnnotation]?.slice(0, mostOfRequest);
}

/** Whether the annotation has a value that no answer was given to yet. */
export function isAskedFor(model: Live<Model>, { lastHandledRequest }: ModelStatus): boolean {
  const wanted = requestedAt(model);
  return wanted !== undefined && wanted !== lastHandledRequest;
}

/** Whether it is now that the annotation is answered: what waits after a failure is tried again at once. */
export function isAnsweredNow(model: Live<Model>, status: ModelStatus): boolean {
  return isAskedFor(model, model.status ?? {}) && !isAskedFor(model, status);
}

/** The status of an annotation that is answered. */
export function handled(model: Live<Model>): Pick<ModelStatus, 'lastHandledRequest'> {
  const lastHandledRequest = requestedAt(model);
  return lastHandledRequest === undefined ? {} : { lastHandledRequest };
}

/**
 * Names the question that is to be asked next. One that is answered is another, since the answer has a time; so is one that
 * is asked for by another value of the annotation. The answer of a Job is therefore never taken twice.
 */
export function questionOf(model: Live<Model>, resolved: Resolved | undefined): string {
  const request = inspectRequest(model);
  const answeredAt = resolved?.request === request ? resolved.checkedAt : undefined;
  const wanted = requestedAt(model);
  if (answeredAt === undefined && wanted === undefined) return request;
  return fingerprint([request, answeredAt ?? null, wanted ?? null]);
}

/**
 * Seconds until the source is to be asked again on its interval, at most a day and at least 0; undefined where it never is.
 * Up to a tenth of the interval earlier or later, by chance of the Model and the time: Models that are applied together
 * do not ask together for long.
 */
export function secondsToNextCheck(
  { metadata, spec: { source, update } }: Live<Model>,
  { checkedAt }: Pick<Resolved, 'checkedAt'>,
  now: Date,
): number | undefined {
  if (update.policy !== 'OnChange' || !canMove(source)) return undefined;
  if (checkedAt === undefined) return 0;
  const chance = Number.parseInt(fingerprint([metadata.uid, checkedAt]).slice(0, 8), 16) / 2 ** 32;
  const interval = parseDuration(update.interval) * (0.9 + 0.2 * chance);
  const passed = (now.getTime() - Date.parse(checkedAt)) / 1000;
  return Math.min(longestWaitSeconds, Math.max(0, interval - passed));
}
