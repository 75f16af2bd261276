import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import type { KubernetesObject } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import type { ToolPaths } from '../tools/tools.ts';
import { busyboxImage } from './busybox-image.ts';
import { program } from './control-plane.ts';
import type { Component } from './processes.ts';
import { writeState } from './state.ts';
import type { State } from './state.ts';

const namespace = 'kube-system';
const account = 'local-path-provisioner';
const provisioner = 'rancher.io/local-path';
const configMap = 'local-path-config';

/** In the box, and so a folder of the cluster's state. */
const volumes = '/var/lib/longshore-volumes';

/** Folders are open to everyone: fsGroup does nothing on a hostPath volume. */
const setup = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n';
const teardown = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n';

const helperPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'helper-pod' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'helper-pod', image: busyboxImage, imagePullPolicy: 'IfNotPresent' }],
  },
};

const paths = { nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [volumes] }] };

/** A provisioner of local folders as volumes; it runs beside the control plane, so needs no image. */
export async function localPathProvisioner(
  state: State,
  tools: ToolPaths,
  kubeconfig: string,
): Promise<Component> {
  const config = await writeState(state.at('local-path.json'), JSON.stringify(paths));
  const helper = await writeState(state.at('local-path-helper.yaml'), stringify(helperPod));
  const options = {
    config,
    kubeconfig,
    'provisioner-name': provisioner,
    namespace,
    'helper-image': busyboxImage,
    'helper-pod-file': helper,
    'configmap-name': configMap,
    'service-account-name': account,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    name: 'local-path-provisioner',
    command: [program(tools, 'local-path-provisioner'), 'start', ...args],
    env: { POD_NAMESPACE: namespace },
  };
}

/** What the provisioner reads from the API, and the default StorageClass. */
export async function createStorageClass(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = KubernetesObjectApi.makeApiClient(config);
  const data = {
    'config.json': JSON.stringify(paths),
    setup,
    teardown,
    'helperPod.yaml': stringify(helperPod),
  };
  const objects: (KubernetesObject & Record<string, unknown>)[] = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: configMap, namespace }, data },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: {
        name: 'local-path',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Delete',
    },
  ];
  for (const object of objects) await api.create(object);
}
