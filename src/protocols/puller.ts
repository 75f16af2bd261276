import { z } from 'zod';
import { GgufFacts, ModelFile, ModelSource } from '../api/model.ts';
import type { Reason } from '../api/reasons.ts';

/**
 * What operator and puller say to each other. The operator writes a request into the environment of the Job; the
 * puller answers through HTTP while it works and through its termination message (at most 4096 bytes) when it ends.
 */

/** The environment variable that carries the request, as JSON. */
export const requestVariable = 'LONGSHORE_REQUEST';

/** Where the Secret's keys `token` and `host` are mounted, when the Model names one. */
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

export const PullerRequest = z.object({
  source: ModelSource,
  /** Whether spec.credentials is set: then a token that is not there is an error of its own. */
  credentials: z.boolean(),
  /** Where user and password of a proxy come from. The proxies themselves stand in HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  proxyCredentials: MountedFrom.optional(),
  /** Where certificates of further authorities come from. */
  caBundle: MountedFrom.optional(),
  /** pull only: the commit, or the digest of the manifest, that inspect found. */
  revision: z.string().optional(),
  /** pull only: the uid of the Model, which names the record of what it uses on the volume. */
  modelUid: z.string().optional(),
});
export type PullerRequest = z.infer<typeof PullerRequest>;

/** The answer of `inspect`: what the source names. */
export const Inspection = z.object({
  revision: z.string(),
  sizeBytes: z.int(),
  fileCount: z.int(),
  gguf: GgufFacts,
});
export type Inspection = z.infer<typeof Inspection>;

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
  z.object({ publication: Publication }),
  z.object({ failure: PullerFailure }),
]);
export type PullerReport = z.infer<typeof PullerReport>;

/** `GET /progress`. Bytes are those that are on the volume, so they never go back while one pod runs. */
export const PullerProgress = z.object({
  phase: z.enum(['starting', 'downloading', 'verifying', 'publishing']),
  downloadedBytes: z.int(),
  totalBytes: z.int(),
  bytesPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
});
export type PullerProgress = z.infer<typeof PullerProgress>;
