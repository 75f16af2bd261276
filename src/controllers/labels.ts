/** The labels and annotations that Longshore puts on what it makes. */

/** On every object of ours; the operator's caches hold nothing else. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'longshore' };
export const managedBySelector = 'app.kubernetes.io/managed-by=longshore';
/** All others, those without the label included. */
export const unmanagedSelector = 'app.kubernetes.io/managed-by!=longshore';

/** Of every label below. */
export const labelPrefix = 'longshore.dev/';

export const labels = {
  model: 'longshore.dev/model',
  modelUid: 'longshore.dev/model-uid',
  /** Fingerprint of the content that a claim is filled with (model/source/content.ts). */
  content: 'longshore.dev/content',
  /** Fingerprint of where that was asked for: who takes a claim over has to be let in there. */
  origin: 'longshore.dev/origin',
  /** On claims that outlive their Model: `Retain`. */
  reclaimPolicy: 'longshore.dev/reclaim-policy',
  server: 'longshore.dev/server',
  /** On pods of a server: fingerprint of the template that they were made from (modelserver/rollout/record.ts). */
  template: 'longshore.dev/template',
  /** On pods of a server: uid of the claim whose pods all have to be on one node (modelserver/claims.ts). */
  volume: 'longshore.dev/volume',
  /** On Jobs that collect: uid of the claim that they collect on. */
  claimUid: 'longshore.dev/claim-uid',
  /** `inspect`, `pull` or `collect`. */
  task: 'longshore.dev/task',
  /** Fingerprint of what a Job was asked for. */
  request: 'longshore.dev/request',
  /** The how-manieth Job for the same request, counted from 1; 0 is a note, which does not run (model/collect/note.ts). */
  attempt: 'longshore.dev/attempt',
} as const;

/** On a Model: another value has its source asked at once, and what failed tried again. */
export const requestedAtAnnotation = 'longshore.dev/requested-at';

/** On a ModelServer: another value has its pods turn to the runtime of the operator, and what was rolled back tried again. */
export const rollAtAnnotation = 'longshore.dev/roll-at';
/** On the Deployment of a server: how far its rollouts are (modelserver/rollout/record.ts). */
export const rolloutAnnotation = 'longshore.dev/rollout';
/** On pods of a server: the digest of the weights that they load. */
export const modelDigestAnnotation = 'longshore.dev/model-digest';

/** On a claim: what was verified on it last, so that a lost status can be told again (model/pull/history.ts). */
export const publishedAnnotation = 'longshore.dev/published';

/** On a Model that ModelServers use: it stays until they have let go of it (docs/adr/0023). */
export const inUseFinalizer = 'longshore.dev/in-use';
/** On a Model, set to `true` by a person: it goes at once when it is deleted, whoever uses it. */
export const forceDeleteAnnotation = 'longshore.dev/force-delete';

/** Holds the hash of what was applied last: an object that would not change is not written. */
export const appliedAnnotation = 'longshore.dev/applied';
