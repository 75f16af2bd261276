import { fork } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** The scripted kubelet as a process of its own; it ends when this one does. */
export interface KubeletProcess {
  /** Until then every pod stays pending. */
  go(): void;
}

export async function startKubelet({
  kubeconfig,
  folder,
}: {
  kubeconfig: string;
  folder: string;
}): Promise<KubeletProcess> {
  const log = await open(join(folder, 'logs', 'bench-kubelet.log'), 'a');
  const child = fork(join(import.meta.dirname, 'kubelet.ts'), {
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: kubeconfig,
      LONGSHORE_TEST_STATE: folder,
      LONGSHORE_TEST_COMPONENT: 'bench-kubelet',
    },
  });
  await log.close();
  const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
  if (said !== 'ready') throw new Error(`the scripted kubelet ended; see ${folder}/logs/bench-kubelet.log`);
  // Nobody waits for it: the bench ends, and it does then.
  child.unref();
  child.channel?.unref();
  return { go: () => child.send('go') };
}
