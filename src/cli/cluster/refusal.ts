import { ApiError } from '../../kube/errors.ts';
import { CliError, exitCodes } from '../failure.ts';

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
