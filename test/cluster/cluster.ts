import { run } from './commands.ts';
import type { Cluster, Provider, StartOptions } from './provider.ts';

export type { Cluster, StartOptions } from './provider.ts';

/**
 * Gives a cluster of this name: the one that is up and healthy (within a second), else a new one. What is left of one
 * that is not healthy is cleared away first.
 *
 * `LONGSHORE_TEST_CLUSTER` = `native`, `kind` or `existing` chooses the provider. Without it: native on Linux as root
 * (and for a control plane alone as any user), else kind where a Docker engine answers.
 */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  checkName(options.name);
  const provider = await chooseProvider(options.mode);
  return provider.start(options);
}

/** Throws, in one sentence, when `startCluster` could bring up no cluster on this machine. */
export async function ensureProvider(mode: StartOptions['mode']): Promise<void> {
  await chooseProvider(mode);
}

/** Removes the cluster of this name, or what a killed run left of it. Does nothing when there is none. */
export async function stopCluster(name: string): Promise<void> {
  checkName(name);
  for (const provider of await providersInUse()) await provider.stop(name);
}

/** The cluster of this name, when it runs and is healthy. */
export async function findCluster(name: string): Promise<Cluster | undefined> {
  checkName(name);
  for (const provider of await providersInUse()) {
    const cluster = await provider.find(name);
    if (cluster) return cluster;
  }
  return undefined;
}

async function chooseProvider(mode: StartOptions['mode']): Promise<Provider> {
  const forced = process.env['LONGSHORE_TEST_CLUSTER'];
  if (forced) return namedProvider(forced);
  const linux = process.platform === 'linux';
  if (linux && (process.getuid?.() === 0 || mode === 'control-plane')) return namedProvider('native');
  if (await dockerAnswers()) return namedProvider('kind');
  throw new Error(
    'No Kubernetes to test on: there is no existing cluster (LONGSHORE_TEST_CLUSTER=existing with KUBECONFIG), ' +
      'no Docker engine for kind, and no root on Linux to run one natively.',
  );
}

/** Where a cluster of some name may be. */
async function providersInUse(): Promise<Provider[]> {
  const forced = process.env['LONGSHORE_TEST_CLUSTER'];
  if (forced) return [await namedProvider(forced)];
  const providers = process.platform === 'linux' ? [await namedProvider('native')] : [];
  if (await dockerAnswers()) providers.push(await namedProvider('kind'));
  return providers;
}

async function namedProvider(name: string): Promise<Provider> {
  if (name === 'native') {
    const { startNative, stopNative, findNative } = await import('./native/native.ts');
    return { start: startNative, stop: stopNative, find: findNative };
  }
  if (name === 'kind') {
    const { startKind, stopKind, findKind } = await import('./kind.ts');
    return { start: startKind, stop: stopKind, find: findKind };
  }
  if (name === 'existing') {
    const { startExisting, stopExisting, findExisting } = await import('./existing.ts');
    return { start: startExisting, stop: stopExisting, find: findExisting };
  }
  throw new Error(`LONGSHORE_TEST_CLUSTER is ${name}; it may be native, kind or existing.`);
}

async function dockerAnswers(): Promise<boolean> {
  return run('docker', ['info', '--format', '{{.ServerVersion}}']).then(
    (version) => version.trim() !== '',
    () => false,
  );
}

/** The name becomes part of paths, cgroups and container names. */
function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,29}$/.test(name))
    throw new Error(`"${name}" cannot name a cluster: use up to 30 lower-case letters, digits and dashes.`);
}
