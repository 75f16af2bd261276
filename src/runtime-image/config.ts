import { z } from 'zod';
import {
  graceVariable,
  RuntimeSettings,
  runtimePort,
  settingsVariable,
  variants,
  type Variant,
} from '../protocols/runtime.ts';

/** Everything that comes from the environment. */
const Environment = z.object({
  [settingsVariable]: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(RuntimeSettings),
  /** Which image this is; set in it. */
  LONGSHORE_VARIANT: z.enum(variants).optional(),
  LONGSHORE_PORT: z.coerce.number().int().min(0).max(65535).default(runtimePort),
  LONGSHORE_HOST: z.string().optional(),
  LONGSHORE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /**
   * Seconds to go on taking requests after SIGTERM: endpoints need that long to forget this Pod.
   * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow
   */
  LONGSHORE_DRAIN_SECONDS: z.coerce.number().min(0).default(3),
  /** Seconds for requests on their way to end after that; together below the terminationGracePeriodSeconds of the Pod. */
  [graceVariable]: z.coerce.number().min(0).default(50),
});

export interface Config {
  settings: RuntimeSettings;
  /** Of the image; absent outside of one. */
  variant?: Variant | undefined;
  port: number;
  /** Absent: every address. */
  host?: string | undefined;
  logLevel: string;
  drainSeconds: number;
  graceSeconds: number;
}

/** @throws Error that names the variables at fault */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const { data, error } = Environment.safeParse(environment);
  if (!data) throw new Error(z.prettifyError(error));
  return {
    settings: data[settingsVariable],
    variant: data.LONGSHORE_VARIANT,
    port: data.LONGSHORE_PORT,
    host: data.LONGSHORE_HOST,
    logLevel: data.LONGSHORE_LOG_LEVEL,
    drainSeconds: data.LONGSHORE_DRAIN_SECONDS,
    graceSeconds: data[graceVariable],
  };
}

/** Where Kubernetes looks for the reason of an end (terminationMessagePath). */
export const terminationLog = (environment: NodeJS.ProcessEnv) =>
  environment['LONGSHORE_TERMINATION_LOG'] ?? '/dev/termination-log';
