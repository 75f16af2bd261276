import { z } from 'zod';
import { publicHub, publicRegistry } from '../api/source.ts';
import type { Origins } from './management/wanted.ts';

/** Everything that comes from the environment. */
const Environment = z.object({
  /** Absent: all namespaces. */
  LONGSHORE_NAMESPACE: z.string().min(1).optional(),
  /** Whose names count first where several namespaces have one. */
  LONGSHORE_HOME_NAMESPACE: z.string().min(1).optional(),
  LONGSHORE_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  /** Of /healthz, /readyz and /metrics. */
  LONGSHORE_HEALTH_PORT: z.coerce.number().int().min(0).max(65535).default(8081),
  /** The folder with API keys (access.ts); absent: everybody may ask. */
  LONGSHORE_API_KEYS: z.string().min(1).optional(),
  /** The folder with tls.crt and tls.key; absent: plain HTTP. */
  LONGSHORE_TLS: z.string().min(1).optional(),
  /** Whether Models and ModelServers may be made and deleted through the gateway. */
  LONGSHORE_MANAGEMENT: z.stringbool().default(false),
  /** Where Models are made when a request does not say it. */
  LONGSHORE_MODELS_NAMESPACE: z.string().min(1).default('default'),
  /** Hubs and registries that callers may name beside the public ones and those below, with commas between. */
  LONGSHORE_ENDPOINTS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((each) => each !== '')),
  /** The hub that is searched, and that is pulled from when a request names none. */
  LONGSHORE_HUB: z.url().default(publicHub),
  /** The Ollama registry that is pulled from when a request names none. */
  LONGSHORE_REGISTRY: z.url().default(publicRegistry),
  /** GPUs of a server when a request does not say it. */
  LONGSHORE_GPUS: z.coerce.number().int().min(0).max(16).default(1),
  LONGSHORE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** Requests on their way at the same time. */
  LONGSHORE_REQUESTS: z.coerce.number().int().min(1).default(1000),
  /** MiB of their bodies. */
  LONGSHORE_BODIES_MIB: z.coerce.number().int().min(8).default(128),
  /** Seconds for a whole request, and for a replica without a byte of its answer. */
  LONGSHORE_REQUEST_SECONDS: z.coerce.number().positive().default(3600),
  LONGSHORE_IDLE_SECONDS: z.coerce.number().positive().default(300),
  /** Seconds to go on taking requests after SIGTERM, and for those on their way to end after that. */
  LONGSHORE_DRAIN_SECONDS: z.coerce.number().min(0).default(3),
  LONGSHORE_GRACE_SECONDS: z.coerce.number().min(0).default(50),
});

export interface Config {
  namespace: string | undefined;
  homeNamespace: string | undefined;
  port: number;
  healthPort: number;
  apiKeys: string | undefined;
  tls: string | undefined;
  /** Absent: nothing may be changed through the gateway. */
  management: (Origins & { namespace: string; gpus: number }) | undefined;
  logLevel: z.infer<typeof Environment>['LONGSHORE_LOG_LEVEL'];
  admission: { requests: number; bytes: number };
  requestSeconds: number;
  idleSeconds: number;
  drainSeconds: number;
  graceSeconds: number;
}

/** Throws with every variable that is malformed, named. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const { data, error } = Environment.safeParse(environment);
  if (!data) throw new Error(`the environment of the gateway is wrong: ${z.prettifyError(error)}`);
  return {
    namespace: data.LONGSHORE_NAMESPACE,
    homeNamespace: data.LONGSHORE_HOME_NAMESPACE,
    port: data.LONGSHORE_PORT,
    healthPort: data.LONGSHORE_HEALTH_PORT,
    apiKeys: data.LONGSHORE_API_KEYS,
    tls: data.LONGSHORE_TLS,
    management: data.LONGSHORE_MANAGEMENT
      ? {
          namespace: data.LONGSHORE_MODELS_NAMESPACE,
          endpoints: data.LONGSHORE_ENDPOINTS,
          gpus: data.LONGSHORE_GPUS,
          hub: data.LONGSHORE_HUB,
          registry: data.LONGSHORE_REGISTRY,
        }
      : undefined,
    logLevel: data.LONGSHORE_LOG_LEVEL,
    admission: { requests: data.LONGSHORE_REQUESTS, bytes: data.LONGSHORE_BODIES_MIB * 1024 * 1024 },
    requestSeconds: data.LONGSHORE_REQUEST_SECONDS,
    idleSeconds: data.LONGSHORE_IDLE_SECONDS,
    drainSeconds: data.LONGSHORE_DRAIN_SECONDS,
    graceSeconds: data.LONGSHORE_GRACE_SECONDS,
  };
}
