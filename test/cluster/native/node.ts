import { dirname } from 'node:path';
import { stringify } from 'yaml';
import type { ToolPaths } from '../tools/tools.ts';
import { gpuLabels } from '../gpus.ts';
import { nodeName } from './box.ts';
import type { Certificates } from './certificates.ts';
import { cgroupOf } from './cgroups.ts';
import { flags, podRange, program } from './control-plane.ts';
import { busyboxImage } from './busybox-image.ts';
import type { Component } from './processes.ts';
import { writeState } from './state.ts';
import type { State } from './state.ts';

/** The parts of a node. They run in a box, so containerd's and the kubelet's default paths are the cluster's own. */
export type Node = {
  state: State;
  tools: ToolPaths;
  certificates: Certificates;
  /** The address of the node; the API server and the DNS server listen there too. */
  address: string;
};

export async function containerd({ state, tools }: Node): Promise<Component> {
  const network = {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: podRange.replace('/16', '/24') }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  await writeState(state.at('cni', '10-pods.conflist'), JSON.stringify(network, null, 2));
  const config = await writeState(state.at('containerd.toml'), containerdConfig(state));
  // containerd looks for its shim, and the shim for runc, on PATH.
  const path = `${dirname(program(tools, 'containerd'))}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  return {
    name: 'containerd',
    command: [program(tools, 'containerd'), '--config', config],
    env: { PATH: path },
  };
}

function containerdConfig(state: State): string {
  return `version = 3
imports = []
# Makes a folder below /opt, which is the machine's.
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${busyboxImage}"

[plugins."io.containerd.cri.v1.runtime"]
  # A machine may withhold CAP_SYS_RESOURCE; runc then fails with "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]
  conf_dir = ${JSON.stringify(state.at('cni'))}
`;
}

export async function kubelet(
  { state, tools, certificates, address }: Node,
  kubeconfig: string,
): Promise<Component> {
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupOf(state.name),
    failCgroupV1: false,
    failSwapOn: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificates.ca.crt },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificates.kubelet.crt,
    tlsPrivateKeyFile: certificates.kubelet.key,
    clusterDomain: 'cluster.local',
    clusterDNS: [address],
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // A machine with little disk left is still good for tests.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
  };
  const command = flags(program(tools, 'kubelet'), {
    config: await writeState(state.at('kubelet.yaml'), stringify(config)),
    kubeconfig,
    'hostname-override': nodeName,
    'node-ip': address,
    'node-labels': Object.entries(gpuLabels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  });
  return { name: 'kubelet', command };
}

export function kubeProxy({ tools }: Node, kubeconfig: string): Component {
  const command = flags(program(tools, 'kube-proxy'), {
    kubeconfig,
    'hostname-override': nodeName,
    'proxy-mode': 'iptables',
    'cluster-cidr': podRange,
    // The limits of connection tracking are the machine's, not the box's.
    'conntrack-max-per-core': 0,
    'conntrack-tcp-timeout-established': '0s',
    'conntrack-tcp-timeout-close-wait': '0s',
  });
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  return { name: 'kube-proxy', command, env: { PATH: path } };
}
