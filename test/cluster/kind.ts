import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Cluster, StartOptions } from './provider.ts';
import { run, waitFor } from './commands.ts';
import { addGpus } from './gpus.ts';
import { withLock } from './lock.ts';
import { stateFolder } from './places.ts';
import { ensureTools } from './tools/tools.ts';

/**
 * Clusters by kind (https://kind.sigs.k8s.io), for machines with a Docker engine. On machines without one this
 * file is only type-checked. Its one node serves both modes: a control-plane cluster has a node too here, so a test
 * that plays the kubelet must keep its pods from being scheduled.
 */
export async function startKind(options: StartOptions): Promise<Cluster> {
  const { name, say, hosts = {} } = options;
  const kind = await kindProgram(say);
  return withLock(`${stateFolder(name)}.lock`, async () => {
    const running = await findKind(name);
    if (running) {
      await serveHosts(running, hosts);
      return running;
    }
    await removeKind(kind, name);
    await mkdir(stateFolder(name), { recursive: true, mode: 0o700 });
    say(`Starting kind cluster ${kindName(name)}`);
    const kubeconfig = kubeconfigOf(name);
    try {
      await run(kind, [
        'create',
        'cluster',
        '--name',
        kindName(name),
        '--kubeconfig',
        kubeconfig,
        '--wait',
        '120s',
      ]);
      await addGpus(kubeconfig);
      const cluster = toCluster(name, await hostAddress(name));
      await serveHosts(cluster, hosts);
      return cluster;
    } catch (error) {
      await removeKind(kind, name);
      throw error;
    }
  });
}

export async function findKind(name: string): Promise<Cluster | undefined> {
  const kubeconfig = kubeconfigOf(name);
  if (
    !(await access(kubeconfig).then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  const nodes = await core(kubeconfig)
    .listNode()
    .catch(() => undefined);
  const ready = nodes?.items[0]?.status?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
  return ready ? toCluster(name, await hostAddress(name)) : undefined;
}

export async function stopKind(name: string): Promise<void> {
  const containers = await run('docker', ['ps', '-aq', '--filter', `name=^${kindName(name)}-`]).catch(
    () => '',
  );
  const known = await access(kubeconfigOf(name)).then(
    () => true,
    () => false,
  );
  if (containers.trim() === '' && !known) return;
  const kind = await kindProgram(() => undefined);
  await withLock(`${stateFolder(name)}.lock`, () => removeKind(kind, name));
}

async function removeKind(kind: string, name: string): Promise<void> {
  await run(kind, ['delete', 'cluster', '--name', kindName(name), '--kubeconfig', kubeconfigOf(name)]);
  await rm(stateFolder(name), { recursive: true, force: true });
}

function toCluster(name: string, hostAddress: string | undefined): Cluster {
  return {
    name,
    provider: 'kind',
    kubeconfig: kubeconfigOf(name),
    hostAddress,
    loadImages: async (archives) => {
      const kind = await kindProgram(() => undefined);
      for (const archive of archives)
        await run(kind, ['load', 'image-archive', archive, '--name', kindName(name)]);
    },
    down: () => stopKind(name),
  };
}

/** Docker Desktop's engine has a machine of its own and a name for the real one; elsewhere the gateway is this machine. */
async function hostAddress(name: string): Promise<string | undefined> {
  const desktop = ['exec', `${kindName(name)}-control-plane`, 'getent', 'ahostsv4', 'host.docker.internal'];
  const [address] = (await run('docker', desktop).catch(() => '')).split(/\s/);
  if (address) return address;
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}';
  const gateways = await run('docker', ['network', 'inspect', 'kind', '--format', format]).catch(() => '');
  return gateways.split(/\s+/).find((gateway) => /^\d+(\.\d+){3}$/.test(gateway));
}

/** Has CoreDNS answer the extra names. It notices a new Corefile by itself, but only after a minute or so: restarted. */
async function serveHosts(cluster: Cluster, hosts: Record<string, string>): Promise<void> {
  const entries = Object.entries(hosts).map(([name, target]) => {
    const address = target === 'host' ? cluster.hostAddress : target;
    if (!address) throw new Error(`No address of this machine is known that pods of ${cluster.name} reach.`);
    return `    ${address} ${name}\n`;
  });
  const api = core(cluster.kubeconfig);
  const place = { name: 'coredns', namespace: 'kube-system' };
  const configMap = await api.readNamespacedConfigMap(place);
  const before = configMap.data?.['Corefile'] ?? '';
  const plain = before.replace(/ *hosts \{[^}]*\}\n/, '');
  const block = entries.length > 0 ? `  hosts {\n${entries.join('')}    fallthrough\n  }\n` : '';
  const after = plain.replace(/^\.:53 \{\n/m, (opening) => opening + block);
  if (after === before) return;
  configMap.data = { Corefile: after };
  await api.replaceNamespacedConfigMap({ ...place, body: configMap });
  const pods = { namespace: 'kube-system', labelSelector: 'k8s-app=kube-dns' };
  const old = new Set((await api.listNamespacedPod(pods)).items.map(({ metadata }) => metadata?.uid));
  await api.deleteCollectionNamespacedPod(pods);
  await waitFor('CoreDNS to restart', async () => {
    const { items } = await api.listNamespacedPod(pods);
    const renewed = items.filter(({ metadata }) => !old.has(metadata?.uid));
    const ready = renewed.some(({ status }) =>
      status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    return ready || undefined;
  });
}

function core(kubeconfig: string): CoreV1Api {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config.makeApiClient(CoreV1Api);
}

async function kindProgram(say: (line: string) => void): Promise<string> {
  const { kind = 'kind' } = await ensureTools(['kind'], { say });
  return kind;
}

function kindName(name: string): string {
  return `longshore-${name}`;
}

function kubeconfigOf(name: string): string {
  return join(stateFolder(name), 'kind.kubeconfig');
}
