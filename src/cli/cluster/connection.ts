import { KubeConfig } from '@kubernetes/client-node';
import { connect, type KubeClient } from '../../kube/client.ts';
import type { DoorOptions } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';

/** The field manager of what the command line writes: another one's fields are never taken. */
export const fieldManager = 'longshore-cli';

export interface Connection extends AsyncDisposable {
  readonly kubeConfig: KubeConfig;
  readonly client: KubeClient;
  readonly namespace: string;
}

/** As kubectl finds its cluster: --kubeconfig, KUBECONFIG, ~/.kube/config, or the pod that this runs in. */
export function openConnection({ kubeconfig, context, namespace }: DoorOptions): Connection {
  const kubeConfig = new KubeConfig();
  try {
    if (kubeconfig === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(kubeconfig);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      exitCodes.cluster,
      `The kubeconfig cannot be read: ${why}`,
      'Name one with --kubeconfig, or a gateway with --server.',
    );
  }
  if (isStandIn(kubeConfig)) {
    throw new CliError(
      exitCodes.cluster,
      'There is no kubeconfig: no KUBECONFIG is set, ~/.kube/config is not there, and this is no pod.',
      'Name one with --kubeconfig, or a gateway with --server.',
    );
  }
  if (context !== undefined) {
    const known = kubeConfig.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw new CliError(
        exitCodes.usage,
        `The kubeconfig has no context "${context}".`,
        known.length > 0
          ? `It has: ${known.join(', ')}.`
          : 'It has none: name another file with --kubeconfig.',
      );
    }
    kubeConfig.setCurrentContext(context);
  }
  if (!kubeConfig.getCurrentCluster()) {
    throw new CliError(
      exitCodes.cluster,
      'No cluster is chosen: the kubeconfig has no current context.',
      'Choose one with --context or `kubectl config use-context NAME`, or name a gateway with --server.',
    );
  }
  const ofContext = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace;
  const client = connect(kubeConfig, { fieldManager, userAgent: 'longshore-cli' });
  return {
    kubeConfig,
    client,
    namespace: namespace ?? ofContext ?? 'default',
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Where it finds no cluster, client-node takes one that nobody has named. */
function isStandIn(kubeConfig: KubeConfig): boolean {
  const isNamed = kubeConfig.getCurrentContext() !== 'loaded-context';
  return !isNamed && kubeConfig.getCurrentCluster()?.server === 'http://localhost:8080';
}
