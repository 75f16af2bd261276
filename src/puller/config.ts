import { z } from 'zod';
import {
  caBundlePath,
  CollectRequest,
  credentialsFolder,
  progressPort,
  proxyCredentialsFolder,
  PullerRequest,
  requestVariable,
  volumeFolder,
} from '../protocols/puller.ts';
import { parseProxy, type Proxies } from '../sources/http/proxy.ts';
import { defaultConnections } from './transfer/concurrency.ts';

/** What the puller is started with. The operator sets the request only; the rest has the contract's defaults. */
export type Config = Settings & z.infer<typeof Task>;
export type CollectConfig = Extract<Config, { command: 'collect' }>;
/** Of the commands that ask a source. */
export type SourceConfig = Exclude<Config, CollectConfig>;

interface Settings {
  readonly volume: string;
  readonly credentials: string;
  readonly proxies: Proxies;
  readonly proxyCredentials: string;
  readonly caBundle: string;
  readonly progressPort: number;
  /** The most connections of a pull, and what they may receive together, in bytes per second. */
  readonly connections: number;
  readonly bytesPerSecond: number | undefined;
}

const ProxyAddress = z
  .string()
  .transform((text, context) => {
    try {
      // Set to nothing, there is none.
      return text === '' ? undefined : parseProxy(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  })
  .optional();

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
  LONGSHORE_PROXY_CREDENTIALS: z.string().min(1).default(proxyCredentialsFolder),
  LONGSHORE_CA_BUNDLE: z.string().min(1).default(caBundlePath),
  HTTPS_PROXY: ProxyAddress,
  HTTP_PROXY: ProxyAddress,
  NO_PROXY: z.string().default(''),
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
    environment: { ...lowerCase(environment), ...environment },
  });
  if (!parsed.success) throw new ConfigError(`The puller cannot start: ${z.prettifyError(parsed.error)}`);
  const { task, environment: values } = parsed.data;
  return {
    ...task,
    volume: values.LONGSHORE_VOLUME,
    credentials: values.LONGSHORE_CREDENTIALS,
    proxies: { https: values.HTTPS_PROXY, http: values.HTTP_PROXY, noProxy: values.NO_PROXY },
    proxyCredentials: values.LONGSHORE_PROXY_CREDENTIALS,
    caBundle: values.LONGSHORE_CA_BUNDLE,
    progressPort: values.LONGSHORE_PROGRESS_PORT,
    connections: values.LONGSHORE_CONNECTIONS,
    bytesPerSecond: values.LONGSHORE_BYTES_PER_SECOND,
  };
}

/** What curl and others know by their names in lower case. */
function lowerCase(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'].flatMap((name) => {
      const value = environment[name.toLowerCase()];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Where the kubelet reads the termination message. */
export function terminationLog(environment: NodeJS.ProcessEnv): string {
  return environment['LONGSHORE_TERMINATION_LOG'] ?? '/dev/termination-log';
}
