import { z } from 'zod';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';

/** How far something is: a line of a stream. The words of `status` are Ollama's where it has such. */
export const Progress = z
  .object({
    status: z.string(),
    digest: z.string().optional().describe('What is being pulled.'),
    total: z.int().optional().describe('Bytes.'),
    completed: z.int().optional().describe('Bytes.'),
    percent: z.int().min(0).max(100).optional(),
    bytes_per_second: z.number().optional(),
    seconds_left: z.number().optional(),
  })
  .meta({ title: 'Progress' });
export type Progress = z.infer<typeof Progress>;

/** Where an object stands: on its way, or at an end. */
export type Standing =
  { line: Progress } | { end: 'ready'; line: Progress } | { end: 'failed'; error: string };

/** What to tell of a Model that is being pulled. */
export function pullStanding(model: Live<Model>): Standing {
  const { progress, resolved, artifact } = model.status ?? {};
  const condition = conditionOf(model);
  if (!condition) return { line: { status: 'pulling manifest' } };
  if (condition.failed) return { end: 'failed', error: condition.text };
  if (condition.ready) {
    const total = artifact?.sizeBytes;
    return {
      end: 'ready',
      line: { status: 'success', percent: 100, ...(total !== undefined && { total, completed: total }) },
    };
  }
  if (condition.reason === 'Resolving') return { line: { status: 'pulling manifest' } };
  if (!progress || !['Pulling', 'Verifying'].includes(condition.reason)) {
    return { line: { status: condition.text } };
  }
  const revision = resolved?.revision.replace(/^sha256:/, '') ?? '';
  return {
    line: {
      status: condition.reason === 'Pulling' ? `pulling ${revision.slice(0, 12)}` : 'verifying sha256 digest',
      // Ollama's clients tell bars apart by it, and cut seven characters off.
      digest: `${revision.length === 64 ? 'sha256' : 'commit'}:${revision}`,
      total: progress.totalBytes,
      completed: progress.downloadedBytes,
      percent: progress.percent,
      ...(progress.bytesPerSecond !== undefined && { bytes_per_second: progress.bytesPerSecond }),
      ...(progress.secondsLeft !== undefined && { seconds_left: progress.secondsLeft }),
    },
  };
}

/** What to tell of a ModelServer that is being loaded. */
export function loadStanding(server: Live<ModelServer>): Standing {
  const condition = conditionOf(server);
  if (!condition) return { line: { status: 'loading' } };
  if (condition.failed) return { end: 'failed', error: condition.text };
  if (condition.ready) return { end: 'ready', line: { status: 'success', percent: 100 } };
  const percent = server.status?.load?.percent;
  if (condition.reason !== 'Loading') return { line: { status: condition.text } };
  return { line: { status: 'loading', ...(percent !== undefined && { percent }) } };
}

/** What the conditions say of the spec as it is; undefined while nobody has looked at it. */
function conditionOf({ metadata, status }: Live<Model> | Live<ModelServer>) {
  const ready = findCondition(status?.conditions, 'Ready');
  if (!ready || status?.observedGeneration !== metadata.generation) return undefined;
  return {
    ready: ready.status === 'True',
    failed: findCondition(status.conditions, 'Stalled')?.status === 'True',
    reason: ready.reason,
    text: ready.message === '' ? ready.reason : `${ready.reason}: ${ready.message}`,
  };
}
