import { KubeConfig } from '@kubernetes/client-node';
import { inject, test } from 'vitest';
import type { RunnerTestCase } from 'vitest';
import { events, pods } from '../../src/kube/builtin.ts';
import { connect } from '../../src/kube/client.ts';
import { startCluster } from '../cluster/cluster.ts';
import { installDefinitions } from '../cluster/definitions.ts';
import { clusterForTests } from '../cluster/test-run.ts';
import { World } from './world.ts';
import type { WorldOptions } from './world.ts';

/**
 * `it` with a world that all tests of a file share: they use names of their own and run at the same time. What the
 * operator wrote is shown after a test that failed.
 */
export const it = test
  .extend('world', { scope: 'file' }, async ({}, { onCleanup }) => {
    const world = await World.start({ kubeconfig: inject('kubeconfig') });
    onCleanup(() => world[Symbol.asyncDispose]());
    return world;
  })
  .extend('logged', { auto: true }, ({ world, onTestFailed }) => {
    onTestFailed(() => showLog(world));
  });

/** The same with worlds whose operators let so many pulls run at the same time; a world for each test. */
export function itWithPulls(pulls: { cluster?: number; namespace?: number }) {
  return test.extend('world', ({ task }, { onCleanup }) => ownWorld({ pulls }, task, onCleanup));
}

/** `it` with a world for each test: for those that kill its operator or cut it off. */
export const itAlone = test.extend('world', ({ task }, { onCleanup }) => ownWorld({}, task, onCleanup));

/**
 * A world of a test's own. Its log is shown before it ends, if the test failed: what is called by `onTestFailed` comes
 * after that, when the API server can no longer be asked.
 */
export async function ownWorld(
  options: Omit<WorldOptions, 'kubeconfig'>,
  task: Readonly<RunnerTestCase>,
  onCleanup: (end: () => Promise<void>) => void,
): Promise<World> {
  const world = await World.start({ kubeconfig: inject('kubeconfig'), ...options });
  onCleanup(async () => {
    if (task.result?.state === 'fail') await showLog(world);
    await world[Symbol.asyncDispose]();
  });
  return world;
}

/**
 * `it` with a world in a cluster of the file's own, for what belongs to nobody's namespace. Its operator looks after every
 * namespace, as it does when the chart is installed as it is.
 */
export function itInOwnCluster(purpose: string) {
  return test
    .extend('cluster', { scope: 'file' }, async ({}, { onCleanup }) => {
      const say = (line: string): void => console.error(`${purpose}: ${line}`);
      const { name } = await clusterForTests(purpose, say);
      const cluster = await startCluster({ name, mode: 'control-plane', say });
      onCleanup(() => cluster.down());
      return cluster;
    })
    .extend('lent', { scope: 'file' }, async ({ cluster }, { onCleanup }) => {
      if (cluster.provider === 'existing') return undefined;
      const config = new KubeConfig();
      config.loadFromFile(cluster.kubeconfig);
      const client = connect(config, { fieldManager: 'test' });
      try {
        await installDefinitions(client);
      } finally {
        await client.close();
      }
      const world = await World.start({ kubeconfig: cluster.kubeconfig, allNamespaces: true });
      onCleanup(() => world[Symbol.asyncDispose]());
      return world;
    })
    .extend('world', async ({ lent, skip, onTestFailed }) => {
      const world = lent ?? skip('the cluster is not ours to change');
      onTestFailed(() => showLog(world));
      return world;
    });
}

/** What the operator said, and what became of the pods of its namespace: for a test that failed. */
async function showLog({ namespace, client, log, kubelet }: World): Promise<void> {
  console.error(`--- operator of ${namespace} ---\n${log.slice(-80).join('\n')}`);
  for (const trouble of kubelet.troubles) console.error('--- fake kubelet ---', trouble);
  const { items: podsThere } = await client.list(pods, { namespace });
  const lines = podsThere.map(({ metadata, status }) => `${metadata.name}: ${status?.phase}`);
  const { items: told } = await client.list(events, { namespace });
  const words = told.map(
    ({ metadata, regarding, reason, note }) =>
      `${metadata?.creationTimestamp} ${regarding?.kind} ${regarding?.name}: ${reason}: ${note}`,
  );
  console.error(`--- pods ---\n${lines.join('\n')}\n--- events ---\n${words.slice(-80).join('\n')}`);
}
