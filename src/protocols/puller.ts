import { z } from 'zod';
import { GgufFacts, MemoryFacts, ModelFile } from '../api/model-status.ts';
import { ModelSource } from '../api/source.ts';
import type { Reason } from '../api/reasons.ts';

/**
 * What operator and puller say to each other. The operator writes a request into the environment of the Job; the
 * puller answers through HTTP while it works and through its termination message (at most 4096 bytes) when it ends.
 */

/** The environment variable that carries the request, as JSON. */
export const requestVariable = 'LONGSHORE_REQUEST';

/**
 * Where the Secret's keys `token`, `username` and `host` are mounted, when the Model names one, or, of a Secret with the
 * logins of registries, `dockerconfig.json`.
 */
export const credentialsFolder = '/var/run/longshore/credentials';

/** Where the Secret's keys `username`, `password` and `host` are mounted, when a proxy has one. */
export const proxyCredentialsFolder = '/var/run/longshore/proxy';

/** Where the CA bundle is mounted, when there is one. */
export const caBundlePath = '/var/run/longshore/ca/ca.crt';

/** Where the volume is mounted in pullers and servers. */
export const volumeFolder = '/models';

/** The port of `GET /progress`. */
export const progressPort = 9440;

/** A ConfigMap or a Secret that the kubelet mounts if it is there. */
export const MountedFrom = z.object({
  /** For messages, e.g. `ConfigMap company-ca (key ca.crt)`. */
  name: z.string(),
  /** Whether the Model names it. What only the operator's settings name may be missing in a namespace. */
  required: z.boolean(),
});
export type MountedFrom = z.infer<typeof MountedFrom>;

/** The uid of a Model, which names the folder of its records on a volume. */
export const ModelUid = z.string().regex(/^[A-Za-z0-9-]{1,64}$/);

/** The request of `inspect` and of `pull`. */
export const PullerRequest = z.object({
  source: ModelSource,
  /** Whether spec.credentials is set: then a token that is not there is an error of its own. */
  credentials: z.boolean(),
  /** Where user and password of a proxy come from. The proxies themselves stand in HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  proxyCredentials: MountedFrom.optional(),
  /** Where certificates of further authorities come from. */
  caBundle: MountedFrom.optional(),
  /** inspect only: what an earlier one has found. It is enough to say that this is so still. */
  knownRevision: z.string().optional(),
  /** pull only: the commit, or the digest of the manifest, that inspect found. */
  revision: z.string().optional(),
  /** pull only, and needed there: whose pull this is. No two pods pull for one Model at the same time. */
  modelUid: ModelUid.optional(),
});
export type PullerRequest = z.infer<typeof PullerRequest>;

/**
 * The request of `collect`, which removes from a volume what no record names. It may run at any time, beside pulls and
 * other collections; what a running pull of another Model uses or is bringing stays.
 */
export const CollectRequest = z.object({
  /**
   * Drops the records of a Model first. None of its pulls may be running. Kept are those of the digests in `except`, as
   * they stand in `status.artifact.digest`: none for a Model that is deleted, the current one and those that servers
   * still use for one that has moved on.
   */
  forget: z.object({ modelUid: ModelUid, except: z.array(z.string()).default([]) }).optional(),
  /** What came onto the volume more recently than this stays, whether a record names it or not. */
  graceSeconds: z.int().min(0).default(3600),
});
export type CollectRequest = z.infer<typeof CollectRequest>;

/** The answer of `inspect`: what the source names. */
export const Inspection = z.object({
  revision: z.string(),
  sizeBytes: z.int(),
  /** What the volume must have room for meanwhile, where that is more. */
  spaceBytes: z.int().optional(),
  /** An archive counts as one. */
  fileCount: z.int(),
  gguf: GgufFacts,
  memory: MemoryFacts.optional(),
});
export type Inspection = z.infer<typeof Inspection>;

/** The answer of `inspect` where the source names the revision that was known already. */
export const Unchanged = z.object({ revision: z.string() });

/** The answer of `pull`: what is published on the volume. */
export const Publication = z.object({
  revision: z.string(),
  digest: z.string(),
  sizeBytes: z.int(),
  /** Of the folder with the files, relative to the root of the volume. */
  path: z.string(),
  fileCount: z.int(),
  /** All of them, or, where a report could not hold them, without some of the further pieces of a split model. */
  files: z.array(ModelFile),
});
export type Publication = z.infer<typeof Publication>;

/** The answer of `collect`. */
export const Collection = z.object({
  /** Of blobs and of unfinished downloads. */
  freedBytes: z.int(),
  removedBlobs: z.int(),
  keptBlobs: z.int(),
});
export type Collection = z.infer<typeof Collection>;

/** Reasons that a puller ends with. */
export const pullerReasons = [
  'RepoNotFound',
  'RevisionNotFound',
  'FileNotFound',
  'QuantizationNotFound',
  'NoModelFile',
  'AmbiguousFiles',
  'NotGGUF',
  'TruncatedGGUF',
  'UnsupportedModel',
  'XetOnly',
  'SizeUnknown',
  'GatedRepo',
  'Unauthorized',
  'CredentialsNotFound',
  'CredentialsForAnotherHost',
  'CABundleNotFound',
  'CertificateNotTrusted',
  'ProxyRefused',
  'ChecksumMismatch',
  'InsufficientStorage',
  'VolumeReadOnly',
  'VolumeNotReadable',
  'SourceUnreachable',
  'RateLimited',
  'PullerFailed',
] as const satisfies readonly Reason[];
export type PullerReason = (typeof pullerReasons)[number];

/** Failures that time, or another pod, may mend; the others need a person. */
export const transientReasons: ReadonlySet<Reason> = new Set<PullerReason>([
  'ChecksumMismatch',
  'SourceUnreachable',
  'RateLimited',
  'PullerFailed',
]);

/**
 * How a puller ends. The Job fails at once on `final`, which another pod would only repeat, and tries again on any other
 * failure. 143 is what a shell would say of a process that SIGTERM ended.
 */
export const exitCodes = { success: 0, retryable: 1, final: 2, stopped: 143 } as const;

export const PullerFailure = z.object({ reason: z.enum(pullerReasons), message: z.string() });

/** The termination message of the container. */
export const PullerReport = z.union([
  z.object({ inspection: Inspection }),
  z.object({ unchanged: Unchanged }),
  z.object({
    publication: Publication,
    /** How fast it came, by this pod: its share of a pull that was interrupted. Absent where a report had no room. */
    transfer: z.object({ receivedBytes: z.int(), seconds: z.number() }).optional(),
  }),
  z.object({ collection: Collection }),
  z.object({ failure: PullerFailure }),
]);
export type PullerReport = z.infer<typeof PullerReport>;

/**
 * `GET /progress`. Bytes are those that are on the volume, so they never go back while one pod runs. `waiting`: all that
 * is left is being brought onto the volume by the pull of another Model.
 */
export const PullerProgress = z.object({
  phase: z.enum(['starting', 'downloading', 'waiting', 'verifying', 'publishing']),
  downloadedBytes: z.int(),
  totalBytes: z.int(),
  bytesPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
});
export type PullerProgress = z.infer<typeof PullerProgress>;
