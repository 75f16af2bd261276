import type { ToolPaths } from '../tools/tools.ts';
import type { Certificates } from './certificates.ts';
import type { Component } from './processes.ts';
import type { State } from './state.ts';

const serviceRange = '10.96.0.0/16';
export const podRange = '10.244.0.0/16';

export type ControlPlane = {
  state: State;
  tools: ToolPaths;
  certificates: Certificates;
  /** Where the API server listens, and what it calls itself. */
  address: string;
  ports: { etcd: number; etcdPeer: number; apiserver: number };
  /** Whether there is a node, with a kubelet that tells the truth about it. */
  node: boolean;
  controllers: boolean;
};

export function etcd({ state, tools, ports }: ControlPlane): Component {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  const command = flags(program(tools, 'etcd'), {
    'data-dir': state.at('etcd'),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
    // Nothing here has to outlive a power cut, and fsync is most of what a write costs.
    'unsafe-no-fsync': true,
    'log-level': 'warn',
  });
  return { name: 'etcd', command };
}

export function kubeApiserver(plane: ControlPlane): Component {
  const { tools, certificates, address, ports, node, controllers } = plane;
  const command = flags(program(tools, 'kube-apiserver'), {
    'etcd-servers': `http://127.0.0.1:${ports.etcd}`,
    'bind-address': node ? '0.0.0.0' : '127.0.0.1',
    'secure-port': ports.apiserver,
    'advertise-address': address,
    // Endpoints may not be loopback addresses, and without a node nobody looks at them.
    ...(node ? {} : { 'endpoint-reconciler-type': 'none' }),
    'service-cluster-ip-range': serviceRange,
    'authorization-mode': 'Node,RBAC',
    'allow-privileged': true,
    'client-ca-file': certificates.ca.crt,
    'tls-cert-file': certificates.apiserver.crt,
    'tls-private-key-file': certificates.apiserver.key,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': certificates.serviceAccountKey,
    'service-account-signing-key-file': certificates.serviceAccountKey,
    'kubelet-client-certificate': certificates.admin.crt,
    'kubelet-client-key': certificates.admin.key,
    'kubelet-certificate-authority': certificates.ca.crt,
    // Else logs and exec look the node's name up in DNS.
    'kubelet-preferred-address-types': 'InternalIP',
    // A pod needs its namespace's default account, which the controllers make.
    ...(controllers ? {} : { 'disable-admission-plugins': 'ServiceAccount' }),
    'shutdown-delay-duration': '0s',
  });
  return { name: 'kube-apiserver', command };
}

/**
 * Where pods are played, dozens of tests make and end them at the same time: by default the controllers send 20
 * requests a second, which is five Jobs.
 */
const unthrottled = {
  'kube-api-qps': 2000,
  'kube-api-burst': 4000,
  'concurrent-job-syncs': 20,
  'concurrent-deployment-syncs': 20,
  'concurrent-replicaset-syncs': 20,
  // It looks at its targets every 15 s otherwise.
  'horizontal-pod-autoscaler-sync-period': '1s',
};

export function kubeControllerManager(plane: ControlPlane, kubeconfig: string): Component {
  const { state, tools, certificates, node } = plane;
  // A test that plays the kubelet leaves out heartbeats, and may leave out the Node.
  const nodeControllers = [
    'node-lifecycle-controller',
    'taint-eviction-controller',
    'pod-garbage-collector-controller',
  ];
  const command = flags(program(tools, 'kube-controller-manager'), {
    kubeconfig,
    controllers: ['*', ...(node ? [] : nodeControllers.map((name) => `-${name}`))].join(','),
    'service-account-private-key-file': certificates.serviceAccountKey,
    'root-ca-file': certificates.ca.crt,
    'use-service-account-credentials': true,
    'leader-elect': false,
    'secure-port': node ? 10257 : 0,
    // Made when it is not there; the default is a folder of the machine.
    'flex-volume-plugin-dir': state.at('volume-plugins'),
    ...(node ? {} : unthrottled),
  });
  return { name: 'kube-controller-manager', command };
}

export function kubeScheduler({ tools }: ControlPlane, kubeconfig: string): Component {
  const command = flags(program(tools, 'kube-scheduler'), { kubeconfig, 'leader-elect': false });
  return { name: 'kube-scheduler', command };
}

export function program(tools: ToolPaths, name: string): string {
  const path = tools[name];
  if (!path) throw new Error(`The program ${name} is not among the tools that were built.`);
  return path;
}

export function flags(file: string, values: Record<string, string | number | boolean>): string[] {
  return [file, ...Object.entries(values).map(([name, value]) => `--${name}=${value}`)];
}
