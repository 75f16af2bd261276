import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Stack } from '../test/stack/stack.ts';

/** Longest wait, as `kubectl wait` takes it. */
const patience = '10m';

/**
 * Shows what `kubectl get KIND -w` prints until a line has said of each of the names that it is ready; throws as soon as
 * one of them is Stalled.
 */
export async function watchUntilReady(
  { cluster, kubectl, tools }: Stack,
  kind: string,
  names: readonly string[],
  ready: RegExp,
): Promise<void> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const watch = spawn(tools.kubectl, ['get', `${kind}s`, '-w'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const awaited = new Set(names);
  const shown = new Promise<void>((resolve, reject) => {
    createInterface({ input: watch.stdout }).on('line', (line) => {
      console.log(line);
      if (ready.test(line)) awaited.delete(line.split(/\s/)[0] ?? '');
      if (awaited.size === 0) resolve();
    });
    watch.once('exit', () => reject(new Error('the watch ended')));
  });
  const waits = names.map((name) => {
    const stuck = ['wait', `${kind}/${name}`, '--for=condition=Stalled', `--timeout=${patience}`];
    return { name, wait: spawn(tools.kubectl, stuck, { env, stdio: 'ignore' }) };
  });
  const stalled = waits.map(
    ({ name, wait }) =>
      new Promise<never>((_resolve, reject) => {
        wait.once('exit', (code) =>
          reject(new Error(`${name} ${code === 0 ? 'is Stalled' : `took more than ${patience}`}`)),
        );
      }),
  );
  try {
    await Promise.race([shown, ...stalled]);
  } catch (error) {
    const described = await kubectl(['describe', kind, ...awaited]).catch(() => '');
    throw new Error(`${kind}s did not become Ready: ${(error as Error).message}.\n${described}`, {
      cause: error,
    });
  } finally {
    watch.kill();
    for (const { wait } of waits) wait.kill();
    // All of these end with the programs, and what they say then is of no interest.
    await Promise.allSettled([shown, ...stalled]);
  }
}
