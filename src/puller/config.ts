import { z } from 'zod';
import {
  CollectRequest,
  credentialsFolder,
  progressPort,
  PullerRequest,
  requestVariable,
  volumeFolder,
} from '../protocols/puller.ts';
import { defaultConnections } from './concurrency.ts';

/** What the puller is started with. The operator sets the request only; the rest has the contract's defaults. */
export type Config = Settings & z.infer<typeof Task>;

interface Settings {
  readonly volume: string;
  readonly credentials: string;
  readonly progressPort: number;
  /** The most connections of a pull, and what they may receive together, in bytes per second. */
  readonly connections: number;
  readonly bytesPerSecond: number | undefined;
}

const Json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

const Environment = z.object({
  LONGSHORE_VOLUME: z.string().min(1).default(volumeFolder),
  LONGSHORE_CREDENTIALS: z.string().min(1).default(credentialsFolder),
  LONGSHORE_PROGRESS_PORT: z.coerce.number().int().min(0).max(65_535).default(progressPort),
  LONGSHORE_CONNECTIONS: z.coerce.number().int().min(1).max(64).default(defaultConnections.most),
  LONGSHORE_BYTES_PER_SECOND: z.coerce.number().int().positive().optional(),
});

/** What is to be done, and its request. */
const Task = z.discriminatedUnion(
  'command',
  [
    z.object({ command: z.enum(['inspect', 'pull']), request: Json.pipe(PullerRequest) }),
    z.object({ command: z.literal('collect'), request: Json.pipe(CollectRequest) }),
  ],
  { error: 'the first argument must be inspect, pull or collect' },
);

/** The request is not one that this puller knows: the operator is of another version, or there is none. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv): Config {
  const parsed = z.object({ task: Task, environment: Environment }).safeParse({
    task: { command: args[0], request: environment[requestVariable] },
    environment,
  });
  if (!parsed.success) throw new ConfigError(`The puller cannot start: ${z.prettifyError(parsed.error)}`);
  const { task, environment: values } = parsed.data;
  return {
    ...task,
    volume: values.LONGSHORE_VOLUME,
    credentials: values.LONGSHORE_CREDENTIALS,
    progressPort: values.LONGSHORE_PROGRESS_PORT,
    connections: values.LONGSHORE_CONNECTIONS,
    bytesPerSecond: values.LONGSHORE_BYTES_PER_SECOND,
  };
}

/** Where the kubelet reads the termination message. */
export function terminationLog(environment: NodeJS.ProcessEnv): string {
  return environment['LONGSHORE_TERMINATION_LOG'] ?? '/dev/termination-log';
}
