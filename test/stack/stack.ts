import { join } from 'node:path';
import { buildImages, type BuiltImage, type BuiltImages } from '../../scripts/images.ts';
import { ensureProvider, startCluster, type Cluster } from '../cluster/cluster.ts';
import { findProgram, run } from '../cluster/commands.ts';
import { ensureTools } from '../cluster/tools/tools.ts';

const chart = join(import.meta.dirname, '../../charts/longshore');
export const release = 'longshore';
export const systemNamespace = 'longshore-system';
/** The name of its Deployment, its Service and all else of it. */
export const gateway = `${release}-gateway`;

/** What the demo and the e2e tests stand on: a cluster with the images loaded, and the tools to talk to it. */
export interface Stack {
  cluster: Cluster;
  images: BuiltImages;
  /** Runs kubectl against the cluster and answers what it prints. */
  kubectl: (arguments_: readonly string[], input?: string) => Promise<string>;
  /** Paths of the programs, for people and child processes. */
  tools: { kubectl: string; helm: string };
}

export interface StackOptions {
  name: string;
  say: (line: string) => void;
  hosts?: Record<string, string>;
}

export async function bringUp({ name, say, hosts }: StackOptions): Promise<Stack> {
  // Said before anything is built: a build takes minutes.
  await ensureProvider('node');
  // All of them wait for other programs most of the time.
  const [cluster, images, { helm }] = await Promise.all([
    startCluster({ name, mode: 'node', say, ...(hosts && { hosts }) }),
    buildImages(say),
    ensureTools(['helm'], { say }),
  ]);
  const tools = { kubectl: await kubectlOf(cluster, say), helm: need('helm', helm) };
  say('loading the images into the node ...');
  await cluster.loadImages([images.operator.archive, images.runtime.archive]);
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const kubectl: Stack['kubectl'] = (arguments_, input) =>
    run(tools.kubectl, arguments_, { env, ...(input !== undefined && { input }) });
  return { cluster, images, kubectl, tools };
}

/**
 * Installs or upgrades Longshore and waits until it is ready.
 * @param values of the chart beside those of the images, as `--set` has them
 */
export async function install(
  { cluster, images, tools }: Stack,
  values: readonly string[] = [],
): Promise<void> {
  const image = (value: string, { repository, tag }: BuiltImage) => [
    '--set-string',
    `image.${value}.repository=${repository},image.${value}.tag=${tag}`,
  ];
  const arguments_ = [
    'upgrade',
    '--install',
    release,
    chart,
    `--namespace=${systemNamespace}`,
    '--create-namespace',
    ...image('operator', images.operator),
    ...image('runtime.cpu', images.runtime),
    // The GPUs of the tests are counted and not there: their servers compute on the CPU, which this image does.
    ...image('runtime.cuda', images.runtime),
    ...values.flatMap((value) => ['--set', value]),
    '--wait',
    '--timeout=3m',
  ];
  await run(tools.helm, arguments_, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
}

/** Changes values of what is installed, as the guides have it, and waits until all of it is as they say. */
export async function upgrade(helm: string, kubeconfig: string, values: readonly string[]): Promise<void> {
  const arguments_ = ['upgrade', release, chart, `--namespace=${systemNamespace}`, '--reuse-values'];
  const set = values.flatMap((value) => ['--set', value]);
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  await run(helm, [...arguments_, ...set, '--wait', '--timeout=3m'], { env });
}

/** Removes what `install` put there. The CRDs stay, as the chart says: with them every Model would go. */
export async function uninstall(cluster: Cluster): Promise<void> {
  const { helm } = await ensureTools(['helm'], { say: () => {} });
  const arguments_ = ['uninstall', release, `--namespace=${systemNamespace}`, '--ignore-not-found', '--wait'];
  await run(need('helm', helm), arguments_, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
}

/** The path of the one that was built with a native cluster; elsewhere of the one on PATH, where there is one. */
export async function kubectlOf(cluster: Cluster, say: (line: string) => void): Promise<string> {
  const onPath = cluster.provider === 'native' ? undefined : await findProgram('kubectl');
  return (
    onPath ?? need('kubectl', (await ensureTools(['kubernetes'], { say, only: ['kubectl'] }))['kubectl'])
  );
}

function need(program: string, path: string | undefined): string {
  if (path === undefined) throw new Error(`${program} was not among the tools that were built`);
  return path;
}
