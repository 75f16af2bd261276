import { z } from 'zod';

const Environment = z.object({
  LONGSHORE_PULLER_IMAGE: z.string().min(1),
  LONGSHORE_RUNTIME_IMAGE: z.string().min(1),
  /** Absent: all namespaces. */
  LONGSHORE_NAMESPACE: z.string().min(1).optional(),
  LONGSHORE_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(8),
  LONGSHORE_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  LONGSHORE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** The name of the pod, for events. */
  HOSTNAME: z.string().default('longshore-operator'),
});

export interface Config {
  pullerImage: string;
  runtimeImage: string;
  namespace: string | undefined;
  /** Reconciles at the same time, of each kind. */
  concurrency: number;
  /** Of /healthz, /readyz and /metrics. */
  port: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  instance: string;
}

/** Throws with every variable that is missing or malformed, named. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`the environment of the operator is wrong: ${problems.join('; ')}`);
  }
  const { data } = parsed;
  return {
    pullerImage: data.LONGSHORE_PULLER_IMAGE,
    runtimeImage: data.LONGSHORE_RUNTIME_IMAGE,
    namespace: data.LONGSHORE_NAMESPACE,
    concurrency: data.LONGSHORE_CONCURRENCY,
    port: data.LONGSHORE_PORT,
    logLevel: data.LONGSHORE_LOG_LEVEL,
    instance: data.HOSTNAME,
  };
}
