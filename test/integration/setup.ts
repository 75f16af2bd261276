import { KubeConfig } from '@kubernetes/client-node';
import type { TestProject } from 'vitest/node';
import { connect } from '../../src/kube/client.ts';
import { buildArgoCD } from '../argocd/argocd.ts';
import { startCluster } from '../cluster/cluster.ts';
import { installDefinitions } from '../cluster/definitions.ts';
import { clusterForTests } from '../cluster/test-run.ts';
import { ensureTools } from '../cluster/tools/tools.ts';
import { buildKstatus } from '../kstatus/kstatus.ts';
import { startLate } from './late.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a kubeconfig with every right. */
    kubeconfig: string;
    /** Path of the program. */
    kubectl: string;
    /** Path of the program that asks kstatus. */
    kstatus: string;
    /** Path of the program that runs scripts as Argo CD does. */
    argocd: string;
  }
}

const say = (line: string): void => console.error(`integration: ${line}`);

/**
 * One control plane for all files of a run: etcd, API server and controllers, without scheduler and kubelet.
 * `LONGSHORE_TEST_KEEP=1` leaves it up for the next such run, which saves the ten seconds of its start;
 * `LONGSHORE_TEST_LATE=MILLISECONDS` has it reached late.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { name, keep } = await clusterForTests('integration', say);
  const { kubectl = 'kubectl' } = await ensureTools(['kubernetes'], { say, only: ['kubectl'] });
  const kstatus = await buildKstatus();
  const argocd = await buildArgoCD();
  const cluster = await startCluster({ name, mode: 'control-plane', say });
  const lateMs = Number(process.env['LONGSHORE_TEST_LATE'] ?? 0);
  const late = lateMs > 0 ? await startLate(cluster.kubeconfig, lateMs) : undefined;
  const stop = async (): Promise<void> => {
    await late?.[Symbol.asyncDispose]();
    await kstatus[Symbol.asyncDispose]();
    await argocd[Symbol.asyncDispose]();
    if (!keep) await cluster.down();
  };
  try {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const client = connect(config, { fieldManager: 'integration-setup' });
    try {
      await installDefinitions(client);
    } finally {
      await client.close();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('kubeconfig', late?.kubeconfig ?? cluster.kubeconfig);
  project.provide('kubectl', kubectl);
  project.provide('kstatus', kstatus.path);
  project.provide('argocd', argocd.path);
  return stop;
}
