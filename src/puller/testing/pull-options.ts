import { pino } from 'pino';
import { HuggingFaceSource } from '../../api/source.ts';
import { createHttpGet } from '../../sources/http/http.ts';
import { huggingFaceSource } from '../../sources/hugging-face/hugging-face.ts';
import type { Patience } from '../../sources/http/retry.ts';
import type { PullOptions } from '../pull.ts';
import { trackProgress } from '../progress/progress.ts';
import { openVolume } from '../store/volume.ts';

/** For those who cannot wait a minute to see that an owner stands still. */
export const hastyTimes = { beatMs: 100, lookMs: 50, staleMs: 1_500 };

/** A pull of a repository onto a folder, silent. @param spec As in `spec.source.huggingFace`. */
export function pullOptions(
  root: string,
  spec: object,
  { patience, signal, stallMs = 5_000 }: { patience: Patience; signal: AbortSignal; stallMs?: number },
): PullOptions {
  const get = createHttpGet({ stallMs });
  return {
    source: huggingFaceSource(HuggingFaceSource.parse(spec), { get, patience, signal }),
    modelUid: 'uid-1',
    volume: openVolume(root),
    progress: trackProgress(() => performance.now()),
    patience,
    now: () => performance.now(),
    log: pino({ level: 'silent' }),
    signal,
  };
}
