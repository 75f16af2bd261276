import { CliError, exitCodes } from '../failure.ts';
import { GatewayError } from './requests.ts';

/** What a gateway answered, as a person needs it. `what` is what was tried: `delete Model qwen3-8b`. */
export function toldBy(url: string, error: unknown, what: string): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof GatewayError)) throw error;
  const { status, code, message } = error;
  if (status === 0) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: the gateway at ${url} does not answer (${message}).`,
      /certificate/i.test(message)
        ? 'Name the certificate of who has signed its own with --certificate-authority.'
        : 'Look at the address that --server or LONGSHORE_SERVER names.',
    );
  }
  if (code === undefined) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: what answers at ${url} is no gateway of Longshore (${message}).`,
      'Look at the address that --server or LONGSHORE_SERVER names.',
    );
  }
  if (code === 'unknown_url') {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: the gateway at ${url} manages no models.`,
      'Turn that on with the value gateway.management.enabled of its chart, or use the kubeconfig.',
    );
  }
  if (status === 401) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: ${message}`,
      'Give a key of the gateway with --api-key or LONGSHORE_API_KEY.',
    );
  }
  if (status === 403) {
    return new CliError(
      exitCodes.cluster,
      `Cannot ${what}: ${message}`,
      code === 'endpoint_not_allowed' ? undefined : 'Ask whoever runs the gateway for the right.',
    );
  }
  if (code === 'cluster_unreachable') return new CliError(exitCodes.cluster, `Cannot ${what}: ${message}`);
  return new CliError(status === 404 ? exitCodes.notFound : exitCodes.failed, `Cannot ${what}: ${message}`);
}
