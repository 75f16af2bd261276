import { spawn } from 'node:child_process';
import { VersionApi, KubeConfig } from '@kubernetes/client-node';
import type { Cluster, StartOptions } from './provider.ts';

/**
 * A cluster that is there already and is left there: the one `KUBECONFIG` names, taken only with
 * `LONGSHORE_TEST_CLUSTER=existing`, so that no test ever runs by accident on a cluster somebody works with.
 *
 * `LONGSHORE_TEST_IMAGE_COMMAND` is what makes an image available there, called with an OCI archive's path as its last
 * argument; `LONGSHORE_TEST_HOST_ADDRESS` the address at which its pods reach this machine.
 */
export async function startExisting({ name, say }: StartOptions): Promise<Cluster> {
  const cluster = await findExisting(name);
  if (!cluster)
    throw new Error(`The cluster of KUBECONFIG=${process.env['KUBECONFIG'] ?? ''} does not answer.`);
  say(`Using the existing cluster of ${cluster.kubeconfig}`);
  return cluster;
}

export async function findExisting(name: string): Promise<Cluster | undefined> {
  const kubeconfig = process.env['KUBECONFIG'];
  if (!kubeconfig) throw new Error('LONGSHORE_TEST_CLUSTER=existing needs KUBECONFIG to say which cluster.');
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const answers = await config
    .makeApiClient(VersionApi)
    .getCode()
    .then(
      () => true,
      () => false,
    );
  if (!answers) return undefined;
  return {
    name,
    provider: 'existing',
    kubeconfig,
    hostAddress: process.env['LONGSHORE_TEST_HOST_ADDRESS'],
    loadImages,
    down: async () => undefined,
  };
}

/** Whoever brought it up takes it down. */
export async function stopExisting(_name: string): Promise<void> {}

async function loadImages(archives: string[]): Promise<void> {
  const command = process.env['LONGSHORE_TEST_IMAGE_COMMAND'];
  if (!command)
    throw new Error(
      'Set LONGSHORE_TEST_IMAGE_COMMAND to a command that takes the path of an OCI archive and makes its image ' +
        'available on the existing cluster.',
    );
  for (const archive of archives) {
    const child = spawn('sh', ['-c', `${command} "$1"`, 'sh', archive], { stdio: 'inherit' });
    const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
    if (code !== 0)
      throw new Error(`LONGSHORE_TEST_IMAGE_COMMAND failed for ${archive} (exit ${String(code)}).`);
  }
}
