import type { TestProject } from 'vitest/node';
import { clusterForTests } from '../cluster/test-run.ts';
import { gemma } from '../hub/model.ts';
import { bringUp, install } from '../stack/stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What tests need of the cluster that all files of a run share. */
    e2e: {
      kubeconfig: string;
      kubectl: string;
      helm: string;
      /** How the cluster was made: native, kind or existing. */
      provider: string;
      /** This machine, as pods reach it, and another name for it, where the DNS of the cluster takes names. */
      hostAddress: string;
      blobHost: string;
    };
  }
}

const blobHost = 'blobs.longshore.test';
const say = (line: string): void => console.error(`e2e: ${line}`);

/** One real node with Longshore installed by its chart, for all files of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { name, keep } = await clusterForTests('e2e', say);
  const [stack] = await Promise.all([bringUp({ name, say, hosts: { [blobHost]: 'host' } }), gemma()]);
  const stop = async (): Promise<void> => {
    if (!keep) await stack.cluster.down();
  };
  try {
    await install(stack);
  } catch (error) {
    await stop();
    throw error;
  }
  const { kubeconfig, hostAddress, provider } = stack.cluster;
  if (hostAddress === undefined) throw new Error('pods of this cluster cannot reach the hub of the tests');
  project.provide('e2e', {
    kubeconfig,
    kubectl: stack.tools.kubectl,
    helm: stack.tools.helm,
    provider,
    hostAddress,
    blobHost: provider === 'native' ? blobHost : hostAddress,
  });
  return stop;
}
