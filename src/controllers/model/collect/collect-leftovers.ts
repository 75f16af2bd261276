import { jobs, type Job } from '../../../kube/builtin.ts';
import { ApiError, isConflict, isNotFound } from '../../../kube/errors.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Actor } from '../../act.ts';
import { models } from '../../kinds.ts';
import { labels } from '../../labels.ts';
import { formatBytes } from '../../text.ts';
import { judgeLeftovers, type LeftoverView, type Verdict } from './leftovers.ts';
import { runFor } from './note.ts';

/** A Model of whatever shape: one that the schema does not accept is there too. */
const anyModel = { ...models, schema: undefined };

/** After a refusal, such as of a quota. */
const secondsAfterRefusal = 300;

/**
 * Takes off claims that are not theirs what Models of one name have left there. Nobody waits for it: it goes on for as
 * long as there is a note. Events of the claim tell of it, since the Model may be gone.
 */
export async function collectLeftovers(
  actor: Pick<Actor, 'client' | 'events'>,
  view: LeftoverView,
  signal: AbortSignal,
): Promise<{ recheckAfter?: number | undefined }> {
  const after = await Promise.all(
    judgeLeftovers(view).map((verdict) => carryOut(actor, view, verdict, signal)),
  );
  const soonest = Math.min(...after.map((seconds) => seconds ?? Infinity));
  return Number.isFinite(soonest) ? { recheckAfter: soonest } : {};
}

/** Answers after how many seconds to look again, when nothing else brings it up. */
async function carryOut(
  actor: Pick<Actor, 'client' | 'events'>,
  view: LeftoverView,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { events } = actor;
  if (verdict.at === 'kept') return verdict.recheckAfter;
  if (verdict.at === 'due') return start(actor, view, verdict, signal);
  if (verdict.at === 'used') {
    const { claim, servers } = verdict;
    const note = `Files that a deleted Model has left stay while these ModelServers may use them: ${servers.join(', ')}.`;
    events.record(claim, { type: 'Normal', reason: 'InUse', note });
    return undefined;
  }
  if (verdict.at === 'collected') {
    const { removedBlobs, freedBytes } = verdict.collection;
    const files = removedBlobs === 1 ? '1 file' : `${removedBlobs} files`;
    const note = `Removed ${files}, ${formatBytes(freedBytes)}, that no Model has any more; the last to go was Model "${modelOf(verdict.jobs)}".`;
    events.record(verdict.claim, { type: 'Normal', reason: 'Collected', note });
  }
  await remove(actor, verdict.jobs, signal);
  return undefined;
}

async function start(
  actor: Pick<Actor, 'client' | 'events'>,
  view: LeftoverView,
  due: Extract<Verdict, { at: 'due' }>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client, events } = actor;
  const { claim, before, failure, attempt, graceSeconds } = due;
  if (await isThere(client, view, due, signal)) return undefined;
  const left = `What Model "${modelOf([before])}" has left`;
  if (failure) {
    const note = `${left} could not be removed; it is tried again. ${failure.message}`;
    events.record(claim, { type: 'Warning', reason: failure.reason, note });
  }
  const live = await client.get(jobs, before.metadata, { signal }).catch(unlessGone);
  if (!live) return undefined;
  try {
    await client.create(jobs, runFor(live, claim, { attempt, graceSeconds, image: view.image }), { signal });
  } catch (error) {
    // 403: a quota, an admission policy, or a namespace that is being deleted; 422: what validation refuses.
    if (error instanceof ApiError && (error.status === 403 || error.status === 422)) {
      const note = `${left} cannot be removed: the API server refused the Job. ${error.message}`;
      events.record(claim, { type: 'Warning', reason: 'WriteRefused', note });
      return secondsAfterRefusal;
    }
    if (!isConflict(error)) throw error;
  }
  // The next attempt is there before the last one goes: one of them has to be.
  await remove(actor, [before], signal);
  return undefined;
}

async function remove(
  { client }: Pick<Actor, 'client'>,
  gone: readonly Live<Job>[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of gone) {
    const { name, namespace, uid } = metadata;
    await client.delete(jobs, { name, namespace }, { preconditions: { uid }, signal });
  }
}

/**
 * Whether the Model that a note is of is there after all: the cache holds none whose shape it does not know, and what is
 * done for one that is gone is not to be undone.
 */
async function isThere(
  client: Actor['client'],
  { model }: LeftoverView,
  { before, modelUid }: Extract<Verdict, { at: 'due' }>,
  signal: AbortSignal,
): Promise<boolean> {
  if (modelUid === model?.metadata.uid) return false;
  const { namespace } = before.metadata;
  const found = await client
    .get(anyModel, { namespace, name: modelOf([before]) }, { signal })
    .catch(unlessGone);
  return found?.metadata.uid === modelUid;
}

function modelOf([job]: Live<Job>[]): string {
  return job?.metadata.labels?.[labels.model] ?? '';
}

function unlessGone(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
