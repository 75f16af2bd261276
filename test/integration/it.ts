import { inject, test } from 'vitest';
import { World } from './world.ts';

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
  return test.extend('world', async ({ onTestFailed }, { onCleanup }) => {
    const world = await World.start({ kubeconfig: inject('kubeconfig'), pulls });
    onTestFailed(() => showLog(world));
    onCleanup(() => world[Symbol.asyncDispose]());
    return world;
  });
}

/** `it` with a world for each test: for those that kill its operator or cut it off. */
export const itAlone = test.extend('world', async ({ onTestFailed }, { onCleanup }) => {
  const world = await World.start({ kubeconfig: inject('kubeconfig') });
  onTestFailed(() => showLog(world));
  onCleanup(() => world[Symbol.asyncDispose]());
  return world;
});

export function showLog({ namespace, log, kubelet }: World): void {
  console.error(`--- operator of ${namespace} ---\n${log.slice(-80).join('\n')}`);
  for (const trouble of kubelet.troubles) console.error('--- fake kubelet ---', trouble);
}
