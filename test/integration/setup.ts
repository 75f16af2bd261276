import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { findCondition, type Condition } from '../../src/kube/conditions.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { startCluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/commands.ts';
import { clusterForTests } from '../cluster/test-run.ts';
import { ensureTools } from '../cluster/tools/tools.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a kubeconfig with every right. */
    kubeconfig: string;
    /** Path of the program. */
    kubectl: string;
  }
}

const say = (line: string): void => console.error(`integration: ${line}`);

/**
 * One control plane for all files of a run: etcd, API server and controllers, without scheduler and kubelet.
 * `LONGSHORE_TEST_KEEP=1` leaves it up for the next such run, which saves the ten seconds of its start.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { name, keep } = await clusterForTests('integration', say);
  const [cluster, { kubectl = 'kubectl' }] = await Promise.all([
    startCluster({ name, mode: 'control-plane', say }),
    ensureTools(['kubernetes'], { say, only: ['kubectl'] }),
  ]);
  const stop = async (): Promise<void> => {
    if (!keep) await cluster.down();
  };
  try {
    await installDefinitions(cluster.kubeconfig);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('kubeconfig', cluster.kubeconfig);
  project.provide('kubectl', kubectl);
  return stop;
}

interface Definition extends KubeObject {
  spec: object;
  status?: { conditions?: Condition[] };
}

const definitions: Kind<Definition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

async function installDefinitions(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const client = connect(config, { fieldManager: 'integration-setup' });
  const folder = join(import.meta.dirname, '../../crds');
  try {
    const files = await readdir(folder);
    await Promise.all(files.map((file) => installDefinition(client, join(folder, file))));
  } finally {
    await client.close();
  }
}

async function installDefinition(client: KubeClient, file: string): Promise<void> {
  const { metadata } = await client.apply(definitions, parse(await readFile(file, 'utf8')) as Definition);
  await waitFor(`CRD ${metadata.name} to be established`, async () => {
    const { status } = await client.get(definitions, metadata);
    return findCondition(status?.conditions, 'Established')?.status === 'True' ? true : undefined;
  });
}
