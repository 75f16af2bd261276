import { run } from './commands.ts';
import type { Cluster, Provider, ProviderName, StartOptions } from './provider.ts';

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
  const provider = await providers[await chooseProvider(options.mode)]();
  return provider.start(options);
}

/** Which provider `startCluster` would take. Throws, in one sentence, when it could bring up no cluster on this machine. */
export async function ensureProvider(mode: StartOptions['mode']): Promise<ProviderName> {
  return chooseProvider(mode);
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

async function chooseProvider(mode: StartOptions['mode']): Promise<ProviderName> {
  const forced = forcedProvider();
  if (forced) return forced;
  const linux = process.platform === 'linux';
  if (linux && (process.getuid?.() === 0 || mode === 'control-plane')) return 'native';
  if (await dockerAnswers()) return 'kind';
  throw new Error(
    'No Kubernetes to test on: there is no existing cluster (LONGSHORE_TEST_CLUSTER=existing with KUBECONFIG), ' +
      'no Docker engine for kind, and no root on Linux to run one natively.',
  );
}

/** Where a cluster of some name may be. */
async function providersInUse(): Promise<Provider[]> {
  const forced = forcedProvider();
  if (forced) return [await providers[forced]()];
  const inUse = process.platform === 'linux' ? [await providers.native()] : [];
  if (await dockerAnswers()) inUse.push(await providers.kind());
  return inUse;
}

function forcedProvider(): ProviderName | undefined {
  const name = process.env['LONGSHORE_TEST_CLUSTER'];
  if (!name) return undefined;
  if (name === 'native' || name === 'kind' || name === 'existing') return name;
  throw new Error(`LONGSHORE_TEST_CLUSTER is ${name}; it may be native, kind or existing.`);
}

/** Loaded when it is used: each brings libraries of its own. */
const providers: Record<ProviderName, () => Promise<Provider>> = {
  native: async () => {
    const { startNative, stopNative, findNative } = await import('./native/native.ts');
    return { start: startNative, stop: stopNative, find: findNative };
  },
  kind: async () => {
    const { startKind, stopKind, findKind } = await import('./kind.ts');
    return { start: startKind, stop: stopKind, find: findKind };
  },
  existing: async () => {
    const { startExisting, stopExisting, findExisting } = await import('./existing.ts');
    return { start: startExisting, stop: stopExisting, find: findExisting };
  },
};

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
