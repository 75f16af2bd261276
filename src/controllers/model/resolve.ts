import type { ModelStatus } from '../../api/model-status.ts';
import type { ModelSource } from '../../api/source.ts';
import type { Reason } from '../../api/reasons.ts';
import { findCondition } from '../../kube/conditions.ts';
import { jobs } from '../../kube/builtin.ts';
import { nameOfFiles } from '../../sources/files/file-urls.ts';
import { child, childRef, type Outcome } from '../step.ts';
import { formatBytes, shortRevision } from '../text.ts';
import { mayPassByItself, newestAttempt } from './attempts.ts';
import { inspectJob } from './jobs.ts';
import { suspended } from './suspend.ts';
import { inspectRequest, type ModelView } from './view.ts';

/**
 * The source as one line, for people: `hf:owner/name@revision`, `ollama:` and the model as `ollama pull` takes it,
 * `volume:claim/path`, the first URL, or `oci://` and the reference.
 */
export function sourceLine({ huggingFace, ollama, volume, http, oci }: ModelSource): string {
  if (ollama) return `ollama:${ollama.model}`;
  if (http) return nameOfFiles(http);
  if (oci) return `oci://${oci.reference}`;
  if (volume) return `volume:${volume.claimName}/${volume.path ?? ''}`;
  return huggingFace ? `hf:${huggingFace.repo}@${huggingFace.revision}` : '';
}

/**
 * Pins what the source's name stands for: a Job in the Model's namespace asks, so that the operator holds no token and
 * sends no request to an address that somebody else chose.
 */
export function resolveSource(view: ModelView, { resolved }: ModelStatus): Outcome<ModelStatus> {
  const { model, image, defaults } = view;
  const request = inspectRequest(model);
  const source = sourceLine(model.spec.source);
  if (resolved?.request === request) {
    return { at: 'done', message: resolvedMessage(resolved) };
  }

  const attempt = newestAttempt(view, 'inspect', request);
  if (model.spec.suspend && attempt.state !== 'succeeded') {
    return suspended(view, 'inspect', `${source} is not asked.`);
  }
  const start = (number: number) => [
    child(jobs, inspectJob(model, { request, attempt: number, image, defaults })),
  ];
  switch (attempt.state) {
    case 'none':
      return { at: 'waiting', reason: 'Resolving', message: `Asking for ${source}.`, apply: start(1) };
    case 'running':
      return {
        ...whileRunning(view, attempt.number, source, attempt.trouble),
        recheckAfter: attempt.recheckAfter,
      };
    case 'succeeded': {
      if (!('inspection' in attempt.report)) break;
      const { revision, sizeBytes, spaceBytes, fileCount, gguf, memory } = attempt.report.inspection;
      const size = formatBytes(sizeBytes);
      const space = spaceBytes === undefined ? {} : { spaceBytes };
      const resolved = { source, request, revision, sizeBytes, ...space, size, fileCount };
      return { at: 'done', message: resolvedMessage(resolved), status: { resolved, gguf, memory } };
    }
    case 'failed': {
      const { reason, message, secondsToNext } = attempt;
      const at = mayPassByItself(reason) ? 'waiting' : 'blocked';
      if (secondsToNext > 0) return { at, reason, message, recheckAfter: secondsToNext };
      return { at, reason, message, apply: start(attempt.number + 1), remove: [childRef(jobs, attempt.job)] };
    }
  }
  throw new Error(`Job ${attempt.job.metadata.name} inspects, but reported something else`);
}

function resolvedMessage({
  source,
  revision,
  fileCount,
  size,
}: NonNullable<ModelStatus['resolved']>): string {
  return `${source} is ${shortRevision(revision)}: ${fileCount === 1 ? '1 file' : `${fileCount} files`}, ${size}.`;
}

/** While a question is asked again after a failure, the failure stays in sight instead of flickering. */
function whileRunning(
  { model }: ModelView,
  attempt: number,
  source: string,
  trouble: { message: string } | undefined,
): { at: 'waiting' | 'blocked'; reason: Reason; message: string } {
  const before = findCondition(model.status?.conditions, 'Resolved');
  if (attempt > 1 && before?.status === 'False' && before.observedGeneration === model.metadata.generation) {
    const reason = before.reason as Reason;
    const blocked = reason !== 'Resolving' && !mayPassByItself(reason);
    return { at: blocked ? 'blocked' : 'waiting', reason, message: before.message };
  }
  return { at: 'waiting', reason: 'Resolving', message: trouble?.message ?? `Asking for ${source}.` };
}
