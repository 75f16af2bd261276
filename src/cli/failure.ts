import { ApiError } from '../kube/errors.ts';

/** What a script can tell an end by; `longshore --help` lists them. */
export const exitCodes = {
  success: 0,
  /** What was asked for did not come about: a pull that failed, a server that cannot start. */
  failed: 1,
  /** Wrong use: nothing was asked of the cluster. */
  usage: 2,
  notFound: 3,
  /** The cluster cannot be reached, or does not let this user do it. */
  cluster: 4,
  /** Left by Ctrl-C while the cluster goes on. */
  detached: 130,
} as const;

/** An end that is told to a person: what happened, and in a line of its own what to do next. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly next: string | undefined;

  constructor(exitCode: number, message: string, next?: string) {
    super(message);
    this.exitCode = exitCode;
    this.next = next;
  }
}

/** What the API server answered, as a person needs it. `what` is what was tried: `delete model qwen3-8b`. */
export function refusedBy(error: unknown, what: string): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof ApiError)) throw error;
  const words = error.message.replace(/^[A-Z]+ \S+: /, '');
  if (error.status === 0) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: the API server does not answer (${words}).`,
      'Look at the cluster with `kubectl cluster-info`, or choose another with --context or --kubeconfig.',
    );
  }
  if (error.status === 401 || error.status === 403) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: ${words}`,
      'Ask whoever runs the cluster for the right, or choose another namespace with --namespace.',
    );
  }
  if (error.status === 404 && words.includes('the server could not find the requested resource')) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: the cluster has no Models.`,
      'Install Longshore on it first: its README says how, with Helm.',
    );
  }
  if (error.status === 404) return new CliError(exitCodes.notFound, `Cannot ${what}: ${words}`);
  return new CliError(exitCodes.failed, `Cannot ${what}: ${words}`);
}
