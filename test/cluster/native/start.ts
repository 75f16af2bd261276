import { createServer } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, waitFor } from '../commands.ts';
import type { StartOptions } from '../provider.ts';
import { addGpus } from '../gpus.ts';
import { ensureDebianPackages } from '../tools/debian.ts';
import { ensureTools } from '../tools/tools.ts';
import { inBox, nodeName, ownFolders, startBox } from './box.ts';
import { busyboxArchive } from './busybox-image.ts';
import { kubeconfig, makeCertificates } from './certificates.ts';
import type { Certificate } from './certificates.ts';
import { makeCgroup } from './cgroups.ts';
import { etcd, kubeApiserver, kubeControllerManager, kubeScheduler } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { writeHosts } from './hosts.ts';
import { importImage } from './images.ts';
import { connectBox } from './network.ts';
import { containerd, kubeProxy, kubelet } from './node.ts';
import { startComponent, waitWhileAlive } from './processes.ts';
import type { Component, Started } from './processes.ts';
import { accountIsThere, apiIsReady, nodeIsReady } from './readiness.ts';
import { writeRecord, writeState } from './state.ts';
import type { ClusterRecord, State } from './state.ts';
import { createStorageClass, localPathProvisioner } from './storage.ts';

type Say = { say: (line: string) => void };

const nodePackages = [
  'runc',
  'containernetworking-plugins',
  'iptables',
  'conntrack',
  'iproute2',
  'buildah',
  'busybox-static',
  'tini',
  'util-linux',
];

/** Brings up etcd, the API server and perhaps the controllers as ordinary processes on loopback. Needs no root. */
export async function startControlPlane(state: State, options: StartOptions): Promise<ClusterRecord> {
  const { controllers = true, say } = options;
  await needOpenssl({ say });
  const only = controllers ? undefined : ['etcd', 'kube-apiserver'];
  const tools = await ensureTools(['kubernetes'], { say, ...(only && { only }) });
  await mkdir(state.folder, { recursive: true, mode: 0o700 });
  const address = '127.0.0.1';
  const certificates = await makeCertificates(state, address);
  const [etcdPort, etcdPeer, apiserver] = await freePorts();
  const ports = { etcd: etcdPort, etcdPeer, apiserver };
  const plane: ControlPlane = { state, tools, certificates, address, ports, node: false, controllers };
  const server = `https://${address}:${apiserver}`;
  const write = kubeconfigWriter(state, server, certificates.ca);
  const admin = await write('kubeconfig', certificates.admin);

  const started: Started[] = [];
  const start = async (component: Component) => started.push(await startComponent(state, component));
  await start(etcd(plane));
  await start(kubeApiserver(plane));
  await waitWhileAlive(started, 'the API server to be ready', () => apiIsReady(admin));
  if (controllers) {
    const user = await write('controller-manager.kubeconfig', certificates.controllerManager);
    await start(kubeControllerManager(plane, user));
    await waitWhileAlive(started, 'the controllers to run', () => accountIsThere(admin));
  }
  const { name } = state;
  const components = started.map((component) => component.name);
  const record: ClusterRecord = { name, mode: 'control-plane', hostAddress: undefined, server, components };
  await writeRecord(state, record);
  return record;
}

/** Brings up a whole cluster of one node in a box. Needs root. */
export async function startNode(state: State, options: StartOptions): Promise<ClusterRecord> {
  const { say } = options;
  await ensureDebianPackages(nodePackages, { say });
  await needOpenssl({ say });
  const tools = await ensureTools(['kubernetes', 'containerd', 'local-path-provisioner'], { say });
  const image = await busyboxArchive(say);

  await mkdir(state.folder, { recursive: true, mode: 0o700 });
  const needed = new Set([...ownFolders(), ...Object.values(tools).map((path) => dirname(path))]);
  const box = await startBox(state, [...needed]);
  const subnet = await connectBox(box);
  const address = subnet.node;
  await makeCgroup(state.name);
  await writeHosts(state, options.hosts ?? {}, subnet.host);
  const certificates = await makeCertificates(state, address);
  const ports = { etcd: 2379, etcdPeer: 2380, apiserver: 6443 };
  const plane: ControlPlane = { state, tools, certificates, address, ports, node: true, controllers: true };
  const node = { state, tools, certificates, address };
  const server = `https://${address}:${ports.apiserver}`;
  const write = kubeconfigWriter(state, server, certificates.ca);
  const admin = await write('kubeconfig', certificates.admin);

  const started: Started[] = [box.started];
  const start = async (component: Component) => {
    const command = inBox(box.init, component.command);
    started.push(await startComponent(state, { ...component, command }));
  };
  await start(etcd(plane));
  await start(kubeApiserver(plane));
  await start(await containerd(node));
  const imported = waitFor('containerd to import an image', () =>
    importImage(box.init, tools, image).then(() => true),
  );
  await waitWhileAlive(started, 'the API server to be ready', () => apiIsReady(admin));
  await start(await kubelet(node, await write('kubelet.kubeconfig', certificates.kubelet)));
  const controllerManager = await write('controller-manager.kubeconfig', certificates.controllerManager);
  await start(kubeControllerManager(plane, controllerManager));
  await start(kubeScheduler(plane, await write('scheduler.kubeconfig', certificates.scheduler)));
  await start(kubeProxy(node, await write('proxy.kubeconfig', certificates.proxy)));
  await start(dnsServer(state, admin, address));
  await createStorageClass(admin);
  await start(await localPathProvisioner(state, tools, admin));
  await waitWhileAlive(started, 'an image to be imported', () => imported);
  await waitWhileAlive(started, 'the node to be ready', () => nodeIsReady(admin, nodeName));
  await addGpus(admin);
  await waitWhileAlive(started, 'the controllers to run', () => accountIsThere(admin));
  const { name } = state;
  const components = started.map((component) => component.name);
  const record: ClusterRecord = { name, mode: 'node', hostAddress: subnet.host, server, components };
  await writeRecord(state, record);
  return record;
}

function dnsServer(state: State, kubeconfig: string, address: string): Component {
  const program = join(import.meta.dirname, 'dns.ts');
  return { name: 'dns', command: [process.execPath, program, kubeconfig, address, state.at('hosts.json')] };
}

function kubeconfigWriter(state: State, server: string, ca: Certificate) {
  return async (file: string, user: Certificate) =>
    writeState(state.at(file), await kubeconfig(server, ca, user));
}

async function needOpenssl({ say }: Say): Promise<void> {
  if (await findProgram('openssl')) return;
  await ensureDebianPackages(['openssl'], { say });
}

/** Ports that nobody listens on. Another process may take one before it is used; that start fails and says so. */
async function freePorts(): Promise<[number, number, number]> {
  // All three are held at once, so that they differ.
  const held = await Promise.all([hold(), hold(), hold()]);
  for (const { release } of held) await release();
  const [first, second, third] = held;
  return [first.port, second.port, third.port];
}

function hold(): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const release = () => new Promise<void>((closed) => server.close(() => closed()));
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : 0, release });
    });
  });
}
