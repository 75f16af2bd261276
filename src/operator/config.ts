import { z } from 'zod';
import { isReservedKey } from '../api/pod-metadata.ts';
import { ObjectName } from '../api/kubernetes.ts';
import { PullerOptions } from '../api/puller-options.ts';
import { ServerNetwork } from '../api/server-network.ts';
import type { PullLimits } from '../controllers/model/pull/pull-queue.ts';
import type { RuntimeImages } from '../controllers/modelserver/runtime-image.ts';
import type { ServerSurroundings } from '../controllers/modelserver/workload/objects.ts';
import { defaultTiming, type ElectionTiming } from '../kube/election-options.ts';

/** What the API server checks of a Model, and nobody of the operator's settings. */
const Defaults = PullerOptions.strict()
  .refine(
    ({ caBundle }) =>
      !caBundle || (caBundle.configMapName === undefined) !== (caBundle.secretName === undefined),
    { path: ['caBundle'], message: 'set exactly one of configMapName and secretName' },
  )
  .refine(({ labels, annotations }) => !Object.keys({ ...labels, ...annotations }).some(isReservedKey), {
    message:
      'labels and annotations: longshore.dev/... and app.kubernetes.io/managed-by are set by Longshore',
  });

/** The value of a variable that holds JSON. */
const fromJson = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
};

const Environment = z.object({
  LONGSHORE_PULLER_IMAGE: z.string().min(1),
  LONGSHORE_RUNTIME_IMAGE_CPU: z.string().min(1),
  LONGSHORE_RUNTIME_IMAGE_CUDA: z.string().min(1),
  LONGSHORE_RUNTIME_IMAGE_VULKAN: z.string().min(1),
  /** As `spec.puller` of a Model, in JSON. */
  LONGSHORE_PULLER: z.string().default('{}').transform(fromJson).pipe(Defaults),
  /** Who reaches servers, and whom they reach, in JSON; absent: they get no NetworkPolicy. */
  LONGSHORE_SERVER_NETWORK: z.string().transform(fromJson).pipe(ServerNetwork).optional(),
  /** Secrets that the image of servers is pulled with, by their names with commas in between. */
  LONGSHORE_SERVER_PULL_SECRETS: z
    .string()
    .default('')
    .transform((names) => names.split(',').filter((name) => name !== ''))
    .pipe(z.array(ObjectName)),
  /** Absent: all namespaces. */
  LONGSHORE_NAMESPACE: z.string().min(1).optional(),
  /** Pulls at the same time, in all namespaces and in each; absent: no limit. */
  LONGSHORE_PULLS: z.coerce.number().int().min(1).optional(),
  LONGSHORE_PULLS_PER_NAMESPACE: z.coerce.number().int().min(1).optional(),
  LONGSHORE_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(8),
  LONGSHORE_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  LONGSHORE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** Where the Lease is by which one of several operators leads. */
  LONGSHORE_LEASE_NAMESPACE: z.string().min(1).optional(),
  LONGSHORE_LEASE_NAME: z.string().min(1).default('longshore-operator'),
  LONGSHORE_LEASE_SECONDS: z.coerce.number().int().min(1).default(defaultTiming.leaseSeconds),
  LONGSHORE_RENEW_SECONDS: z.coerce.number().positive().default(defaultTiming.renewSeconds),
  LONGSHORE_RETRY_SECONDS: z.coerce.number().positive().default(defaultTiming.retrySeconds),
  /** The name of the pod, for events and the Lease. */
  HOSTNAME: z.string().default('longshore-operator'),
});

export interface Config {
  pullerImage: string;
  /** By what they compute with. */
  runtimeImages: RuntimeImages;
  /** What holds for pullers where the spec of a Model says nothing. */
  puller: PullerOptions;
  /** What all servers have in common. */
  servers: ServerSurroundings;
  namespace: string | undefined;
  pulls: PullLimits;
  /** Reconciles at the same time, of each kind. */
  concurrency: number;
  /** Of /healthz, /readyz and /metrics. */
  port: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Operators with the same one take turns. In the namespace that is looked after by default, else in `default`. */
  lease: { namespace: string; name: string };
  timing: ElectionTiming;
  instance: string;
}

/** Throws with every variable that is missing or malformed, named. */
function read<T>(schema: z.ZodType<T>, environment: NodeJS.ProcessEnv): T {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`the environment of the operator is wrong: ${problems.join('; ')}`);
}

/** What it takes to let Models go when there is no operator any more. Throws as readConfig does. */
export function readReleaseConfig(environment: NodeJS.ProcessEnv): Pick<Config, 'namespace' | 'logLevel'> {
  const { LONGSHORE_NAMESPACE: namespace, LONGSHORE_LOG_LEVEL: logLevel } = read(
    Environment.pick({ LONGSHORE_NAMESPACE: true, LONGSHORE_LOG_LEVEL: true }),
    environment,
  );
  return { namespace, logLevel };
}

/** Throws with every variable that is missing or malformed, named. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const data = read(Environment, environment);
  return {
    pullerImage: data.LONGSHORE_PULLER_IMAGE,
    runtimeImages: {
      cpu: data.LONGSHORE_RUNTIME_IMAGE_CPU,
      cuda: data.LONGSHORE_RUNTIME_IMAGE_CUDA,
      vulkan: data.LONGSHORE_RUNTIME_IMAGE_VULKAN,
    },
    puller: data.LONGSHORE_PULLER,
    servers: {
      network: data.LONGSHORE_SERVER_NETWORK,
      pullSecrets: data.LONGSHORE_SERVER_PULL_SECRETS,
    },
    namespace: data.LONGSHORE_NAMESPACE,
    pulls: { cluster: data.LONGSHORE_PULLS, namespace: data.LONGSHORE_PULLS_PER_NAMESPACE },
    concurrency: data.LONGSHORE_CONCURRENCY,
    port: data.LONGSHORE_PORT,
    logLevel: data.LONGSHORE_LOG_LEVEL,
    lease: {
      namespace: data.LONGSHORE_LEASE_NAMESPACE ?? data.LONGSHORE_NAMESPACE ?? 'default',
      name: data.LONGSHORE_LEASE_NAME,
    },
    timing: {
      leaseSeconds: data.LONGSHORE_LEASE_SECONDS,
      renewSeconds: data.LONGSHORE_RENEW_SECONDS,
      retrySeconds: data.LONGSHORE_RETRY_SECONDS,
    },
    instance: data.HOSTNAME,
  };
}
