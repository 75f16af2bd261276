import { KubeConfig } from '@kubernetes/client-node';
import { inject, test } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';

export type ConfigMap = KubeObject & { data?: Record<string, string> | undefined };
export const configMaps: Kind<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** `it` with a client that nothing is in the way of, and a namespace of its own: for tests without an operator. */
export const it = test
  .extend('client', async ({}, { onCleanup }) => {
    const config = new KubeConfig();
    config.loadFromFile(inject('kubeconfig'));
    const client = connect(config, { fieldManager: 'test' });
    onCleanup(() => client.close());
    return client;
  })
  .extend('namespace', async ({ client }, { onCleanup }) => {
    const { name } = (await client.create(namespaces, { metadata: { generateName: 'test-' } })).metadata;
    onCleanup(() => client.delete(namespaces, { name }));
    return name;
  });
