import type { Change, ModelStatus } from '../../../api/model-status.ts';
import { formatTime } from '../../../kube/conditions.ts';
import type { Inspection } from '../../../protocols/puller.ts';
import { formatBytes, shortRevision } from '../../text.ts';
import { contentOf } from './content.ts';
import { sourceLine } from './source-line.ts';
import { inspectRequest, type ModelView, type Resolved } from '../view.ts';

/** What of the status an inspection is the source of. */
type Answer = { resolved: Resolved; gguf?: ModelStatus['gguf']; memory?: ModelStatus['memory'] };

/**
 * What an inspection says, for the status. The facts of the header are those of what is published, and so wait beside the
 * resolved revision until that is.
 */
export function answered(
  { model, now }: Pick<ModelView, 'model' | 'now'>,
  { artifact }: Pick<ModelStatus, 'artifact'>,
  { revision, sizeBytes, spaceBytes, fileCount, gguf, memory }: Inspection,
  change: Change | undefined,
): Answer {
  const resolved: Resolved = {
    source: sourceLine(model.spec.source),
    request: inspectRequest(model),
    revision,
    sizeBytes,
    ...(spaceBytes !== undefined && { spaceBytes }),
    size: formatBytes(sizeBytes),
    fileCount,
    checkedAt: formatTime(now),
    ...(change !== undefined && { change }),
  };
  const isOfAnother = artifact !== undefined && artifact.content !== contentOf(model, resolved);
  if (!isOfAnother) return { resolved, gguf, memory };
  return { resolved: { ...resolved, gguf, ...(memory && { memory }) } };
}

/** The facts of the resolved revision take the place of those that were published, and are told once. */
export function factsPublished({ resolved }: Pick<ModelStatus, 'resolved'>): Pick<
  ModelStatus,
  'resolved' | 'gguf'
> & {
  memory?: ModelStatus['memory'] | undefined;
} {
  if (!resolved?.gguf) return {};
  const { gguf: facts, memory: takes, ...rest } = resolved;
  return { resolved: rest, gguf: facts, memory: takes };
}

export function resolvedMessage({ source, revision, fileCount, size }: Resolved): string {
  return `${source} is ${shortRevision(revision)}: ${fileCount === 1 ? '1 file' : `${fileCount} files`}, ${size}.`;
}
