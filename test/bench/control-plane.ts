import { writeFile } from 'node:fs/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { storageClasses } from '../../src/kube/builtin.ts';
import { defaultClassAnnotations } from '../../src/kube/storage-class.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { Transport } from '../../src/kube/transport.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { installDefinitions } from '../cluster/definitions.ts';
import { kubeconfig as kubeconfigOf } from '../cluster/native/certificates.ts';
import { flags, program } from '../cluster/native/control-plane.ts';
import { findProcesses, startComponent } from '../cluster/native/processes.ts';
import { stateOf } from '../cluster/native/state.ts';
import { ensureTools } from '../cluster/tools/tools.ts';
import { cpuSecondsOf } from './processes.ts';

export interface ControlPlane extends AsyncDisposable {
  cluster: Cluster;
  /** With every right. */
  client: KubeClient;
  /** Path of a kubeconfig with the token of a service account, as the operator has it in production: not exempt from flow control. */
  operatorKubeconfig: string;
  /** CPU seconds so far by component, the bench itself one of them and the operator left out. */
  cpuSeconds(): Promise<Record<string, number>>;
}

export const crowd = 'crowd';
export const lone = 'lone';
const system = 'longshore-system';

/** etcd, API server, the controllers, our CRDs, a storage class and the namespaces `crowd` and `lone`; nothing else. */
export async function startPlane(name: string, say: (line: string) => void): Promise<ControlPlane> {
  // The provider's own controllers would be the limit of every figure: 20 requests a second.
  const cluster = await startCluster({ name, mode: 'control-plane', controllers: false, say });
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const client = connect(config, { fieldManager: 'bench', requestTimeoutMs: 120_000 });
  const down = async (): Promise<void> => {
    await client.close();
    await cluster.down();
  };
  try {
    if (cluster.provider !== 'native')
      throw new Error('The bench starts controllers of its own, for which it needs the native provider.');
    await startControllers(name, config.getCurrentCluster()?.server ?? '', say);
    await installDefinitions(client);
    for (const namespace of [crowd, lone, system])
      await client.create(namespaces, { metadata: { name: namespace } });
    await client.create(storageClasses, {
      metadata: { name: 'standard', annotations: { [defaultClassAnnotations[0]]: 'true' } },
      provisioner: 'bench.longshore.dev/none',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    return {
      cluster,
      client,
      operatorKubeconfig: await operatorKubeconfig(
        config,
        client,
        `${stateOf(name).folder}/operator.kubeconfig`,
      ),
      cpuSeconds: () => cpuSecondsByComponent(name),
      [Symbol.asyncDispose]: down,
    };
  } catch (error) {
    await down();
    throw error;
  }
}

/** The controller manager without limits on its client, and without the controllers that look after what is played here. */
async function startControllers(name: string, server: string, say: (line: string) => void): Promise<void> {
  const state = stateOf(name);
  const at = (file: string): string => state.at('certificates', file);
  const certificate = (of: string) => ({ crt: at(`${of}.crt`), key: at(`${of}.key`) });
  const path = state.at('bench-controllers.kubeconfig');
  await writeFile(path, await kubeconfigOf(server, certificate('ca'), certificate('controller-manager')), {
    mode: 0o600,
  });
  const tools = await ensureTools(['kubernetes'], { say });
  const without = [
    'node-lifecycle-controller',
    'taint-eviction-controller',
    'pod-garbage-collector-controller',
    // The kubelet of the bench says which claims are bound.
    'persistentvolume-binder-controller',
  ];
  const command = flags(program(tools, 'kube-controller-manager'), {
    kubeconfig: path,
    controllers: ['*', ...without.map((each) => `-${each}`)].join(','),
    'service-account-private-key-file': at('service-account.key'),
    'root-ca-file': at('ca.crt'),
    'use-service-account-credentials': true,
    'leader-elect': false,
    'secure-port': 0,
    'flex-volume-plugin-dir': state.at('volume-plugins'),
    'kube-api-qps': 2000,
    'kube-api-burst': 4000,
    'concurrent-job-syncs': 20,
    'concurrent-deployment-syncs': 20,
    'concurrent-replicaset-syncs': 20,
  });
  await startComponent(state, { name: 'kube-controller-manager', command });
}

async function operatorKubeconfig(config: KubeConfig, client: KubeClient, path: string): Promise<string> {
  const account = { namespace: system, name: 'longshore' };
  await client.create(kinds.account, { metadata: account });
  await client.create(kinds.binding, {
    metadata: { name: 'longshore' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  });
  const transport = new Transport(config, 'bench');
  const response = await transport.send(
    {
      method: 'POST',
      path: `/api/v1/namespaces/${system}/serviceaccounts/${account.name}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 86_400 },
      },
    },
    AbortSignal.timeout(10_000),
  );
  const { status } = JSON.parse(await response.text()) as { status: { token: string } };
  await transport.close();
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig has no current cluster');
  const token = new KubeConfig();
  token.loadFromClusterAndUser(cluster, { name: account.name, token: status.token });
  await writeFile(path, token.exportConfig(), { mode: 0o600 });
  return path;
}

async function cpuSecondsByComponent(name: string): Promise<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  const seconds: Record<string, number> = { bench: (user + system) / 1e6 };
  for (const { pid, component } of await findProcesses(stateOf(name)))
    if (component !== 'operator')
      seconds[component] = (seconds[component] ?? 0) + (await cpuSecondsOf(pid).catch(() => 0));
  return seconds;
}

const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

const kinds = {
  account: {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    namespaced: true,
  } as Kind<KubeObject>,
  binding: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
  } as Kind<KubeObject & { roleRef: object; subjects: object[] }>,
};
