import { z } from 'zod';
import { mostHistory, type Artifact, type ModelStatus, type Revision } from '../../../api/model-status.ts';
import type { PersistentVolumeClaim } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels, publishedAnnotation } from '../../labels.ts';

type Claim = Live<PersistentVolumeClaim>;

/**
 * The history with what is published now in front. What is published again where its name and place differ only, such as on
 * a claim that was made again, takes the place of what it was.
 */
export function recorded(history: readonly Revision[] = [], now: Revision): Revision[] {
  const [last, ...earlier] = history;
  const before = last === undefined || last.digest !== now.digest ? history : earlier;
  return [now, ...before].slice(0, mostHistory);
}

/**
 * The newest revisions, each once, so many as are to be kept, of those that are on a volume still. The first is the one
 * that is published.
 */
export function keptOf(
  history: readonly Revision[],
  keep: number,
  isThere: (revision: Revision) => boolean,
): Revision[] {
  const places = new Map<string, Revision>();
  for (const revision of history) {
    const place = `${revision.claimUid} ${revision.digest}`;
    if (isThere(revision) && !places.has(place)) places.set(place, revision);
  }
  return [...places.values()].slice(0, keep);
}

/**
 * What is left of the history of what is kept no more: when it was, and no list of files, without which nothing is
 * published from it (`restorable`).
 */
export function trimmed(history: readonly Revision[], kept: readonly Revision[]): Revision[] {
  return history.map((revision) => {
    if (kept.includes(revision) || revision.files === undefined) return revision;
    const { files: _, ...rest } = revision;
    return rest;
  });
}

/** A revision that was verified on this claim and has been kept there since: it needs no pull. */
export function restorable(
  history: readonly Revision[] = [],
  { claimUid, content }: { claimUid: string; content: string },
): Artifact | undefined {
  for (const revision of history) {
    if (revision.claimUid !== claimUid || revision.content !== content) continue;
    const { publishedAt: _, change: __, pullSeconds: ___, path, fileCount, files, ...rest } = revision;
    if (path !== undefined && fileCount !== undefined && files) return { ...rest, path, fileCount, files };
  }
  return undefined;
}

/** What a claim is told of what is on it, for a status that is lost. */
const Published = z.object({
  revision: z.string().max(80),
  digest: z.string().max(80),
  sizeBytes: z.int(),
  publishedAt: z.iso.datetime(),
});

/**
 * The annotation of a claim: what was verified on it last, as the status has it, or as the claim itself does. Where one
 * revision is kept there is nothing that a status could lose, and no claim is written for it.
 */
export function publishedOn(
  claim: Claim | undefined,
  { history = [] }: ModelStatus,
  keepRevisions: number,
): string | undefined {
  const isNoted = keepRevisions > 1;
  const last = isNoted ? history.find(({ claimUid }) => claimUid === claim?.metadata.uid) : undefined;
  if (last === undefined) return claim?.metadata.annotations?.[publishedAnnotation];
  const { revision, digest, sizeBytes, publishedAt } = last;
  return JSON.stringify({ revision, digest, sizeBytes, publishedAt } satisfies z.input<typeof Published>);
}

/** The history of a status that was lost, as far as claims of the Model tell it. */
export function withClaims(history: readonly Revision[] = [], claims: readonly Claim[]): Revision[] {
  const known = new Set(history.map(({ claimUid }) => claimUid));
  const told = claims.flatMap((claim): Revision[] => {
    const { name, uid, annotations, labels: ours } = claim.metadata;
    const content = ours?.[labels.content];
    if (known.has(uid) || content === undefined) return [];
    const published = readPublished(annotations?.[publishedAnnotation]);
    return published ? [{ ...published, content, claimName: name, claimUid: uid }] : [];
  });
  if (told.length === 0) return [...history];
  const [current, ...earlier] = history;
  const rest = [...earlier, ...told].toSorted((a, b) => b.publishedAt.localeCompare(a.publishedAt));
  return [...(current ? [current] : []), ...rest].slice(0, mostHistory);
}

function readPublished(text: string | undefined): z.infer<typeof Published> | undefined {
  if (text === undefined) return undefined;
  try {
    return Published.parse(JSON.parse(text));
  } catch {
    // Who may write claims can write anything there.
    return undefined;
  }
}
