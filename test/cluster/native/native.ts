import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cluster, StartOptions } from '../provider.ts';
import { run, waitFor } from '../commands.ts';
import { withLock } from '../lock.ts';
import { nodeName, findInit } from './box.ts';
import { removeCgroup } from './cgroups.ts';
import { writeHosts } from './hosts.ts';
import { endProcesses, findProcesses } from './processes.ts';
import { apiIsReady, nodeIsReady } from './readiness.ts';
import { readRecord, stateOf } from './state.ts';
import type { ClusterRecord, State } from './state.ts';

/** Brings up a cluster from binaries on this Linux machine, or gives the one of that name that is up. */
export async function startNative(options: StartOptions): Promise<Cluster> {
  const state = stateOf(options.name);
  const waiting = () =>
    options.say(`Another process is starting or stopping cluster ${options.name}; waiting for it`);
  return withLock(
    `${state.folder}.lock`,
    async () => {
      const running = await healthyRecord(state);
      if (running?.mode === options.mode) {
        if (options.hosts && running.hostAddress) await writeHosts(state, options.hosts, running.hostAddress);
        return toCluster(state, running);
      }
      await clear(state);
      // Loaded only now: it brings the Kubernetes client, which takes longer to load than finding a cluster takes.
      const { startControlPlane, startNode } = await import('./start.ts');
      options.say(`Starting cluster ${options.name}`);
      try {
        return toCluster(
          state,
          await (options.mode === 'node' ? startNode : startControlPlane)(state, options),
        );
      } catch (error) {
        await clear(state);
        throw error;
      }
    },
    waiting,
  );
}

export async function findNative(name: string): Promise<Cluster | undefined> {
  const state = stateOf(name);
  const record = await healthyRecord(state);
  return record && toCluster(state, record);
}

/** Removes a cluster, or what a killed start or stop left of it. */
export async function stopNative(name: string): Promise<void> {
  const state = stateOf(name);
  await withLock(`${state.folder}.lock`, () => clear(state));
}

async function clear(state: State): Promise<void> {
  await endProcesses(state);
  // It goes with the box's network namespace, some time after the last process; this makes it happen now.
  const link = await readFile(state.at('link'), 'utf8').catch(() => undefined);
  if (link) await run('ip', ['link', 'delete', link]).catch(() => undefined);
  if (process.getuid?.() === 0) await removeCgroup(state.name);
  await waitFor(`${state.folder} to be removed`, async () => {
    await rm(state.folder, { recursive: true, force: true });
    return true;
  });
}

/** The record of a cluster of which every component runs and the API and the node are ready. */
async function healthyRecord(state: State): Promise<ClusterRecord | undefined> {
  const record = await readRecord(state);
  if (!record) return undefined;
  // In a box a component lives as long as the nsenter that waits for it; containerd's shims outlive containerd.
  const processes = (await findProcesses(state)).filter(
    ({ component, command }) =>
      record.mode === 'control-plane' || component === 'box' || command[0] === 'nsenter',
  );
  const running = new Set(processes.map(({ component }) => component));
  if (!record.components.every((component) => running.has(component))) return undefined;
  const kubeconfig = state.at('kubeconfig');
  const ready = record.mode === 'node' ? nodeIsReady(kubeconfig, nodeName) : apiIsReady(kubeconfig);
  return (await ready.catch(() => undefined)) ? record : undefined;
}

function toCluster(state: State, { name, mode, hostAddress }: ClusterRecord): Cluster {
  return {
    name,
    provider: 'native',
    kubeconfig: state.at('kubeconfig'),
    hostAddress,
    loadImages: async (archives) => {
      if (mode === 'control-plane')
        throw new Error(`Cluster ${name} has no node that images could be loaded on.`);
      const [{ importImage }, { ensureTools }] = await Promise.all([
        import('./images.ts'),
        import('../tools/tools.ts'),
      ]);
      const init = await findInit(state);
      if (init === undefined) throw new Error(`Cluster ${name} is not running.`);
      const tools = await ensureTools(['containerd'], { say: () => undefined });
      for (const archive of archives) await importImage(init, tools, resolve(archive));
    },
    down: () => stopNative(name),
  };
}
