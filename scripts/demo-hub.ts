/** The hubs that the demo pulls from: test/hub as a process of its own, since it has to outlive the command. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../test/cluster/cluster.ts';
import {
  endProcesses,
  findProcesses,
  startComponent,
  waitWhileAlive,
} from '../test/cluster/native/processes.ts';
import { stateOf, type State } from '../test/cluster/native/state.ts';
import { gemma } from '../test/hub/model.ts';
import { manifestType } from '../test/hub/registry/push.ts';

/** What pods call this machine in each of its parts; the blobs of the registry are on another host, as Ollama's are. */
const names = {
  hub: 'hub.longshore.test',
  registry: 'registry.longshore.test',
  blobs: 'blobs.longshore.test',
};
const ports = { hub: 18090, cdn: 18091, registry: 18092, blobs: 18093 };
/** Of one connection. Slow enough to be watched: some ten seconds for the demo's model, over 4 to 32 connections. */
const bytesPerSecond = 1_000_000;

/** For the DNS of a cluster that takes names. */
export const hubHosts = Object.fromEntries(Object.values(names).map((name) => [name, 'host'] as const));

/** The state of the hubs that belong to a demo. */
const stateFor = (demo: string): State => stateOf(`${demo}-hub`);

/** Listens on the one address that pods use, and not on the networks this machine is on. */
export async function startDemoHub(
  demo: string,
  cluster: Cluster,
  say: (line: string) => void,
): Promise<void> {
  const state = stateFor(demo);
  const host = addressOf(cluster);
  if ((await findProcesses(state)).length > 0 && (await answers(host))) return;
  await endProcesses(state);
  say('fetching the model that is to be pulled: Gemma 3 270M, 253 MB (kept for the next time) ...');
  await gemma();
  const options = {
    host,
    port: ports.hub,
    'cdn-port': ports.cdn,
    'registry-port': ports.registry,
    'blob-port': ports.blobs,
    'bytes-per-second': bytesPerSecond,
    ...(takesNames(cluster) && { 'blob-host': names.blobs }),
  };
  const program = join(import.meta.dirname, '../test/hub/main.ts');
  const started = await startComponent(state, {
    name: 'hub',
    command: [
      process.execPath,
      program,
      ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]),
    ],
  });
  await waitWhileAlive([started], 'the hub to answer', async () =>
    (await answers(host)) ? true : undefined,
  );
  say(`a Hugging Face hub answers at ${hubUrl(cluster)}, an Ollama registry at ${registryUrl(host)}.`);
}

export async function stopDemoHub(demo: string): Promise<void> {
  const state = stateFor(demo);
  await endProcesses(state);
  await rm(state.folder, { recursive: true, force: true });
}

/** Where the hub answers on this machine. */
export function hubUrl(cluster: Cluster): string {
  return `http://${addressOf(cluster)}:${ports.hub}`;
}

/** A manifest as it stands; where pods cannot resolve our names, with this machine's address in their place. */
export function withReachableHubs(text: string, cluster: Cluster): string {
  if (takesNames(cluster)) return text;
  const address = cluster.hostAddress ?? '';
  return [names.hub, names.registry].reduce((sum, name) => sum.replaceAll(name, address), text);
}

function takesNames({ provider }: Cluster): boolean {
  return provider === 'native';
}

/** @throws Error where pods do not know this machine. */
function addressOf({ hostAddress }: Cluster): string {
  if (hostAddress !== undefined) return hostAddress;
  throw new Error(
    'pods of this cluster have no address for this machine, where the hubs of the demo run. Set LONGSHORE_TEST_HOST_ADDRESS, or pull from the internet with --public.',
  );
}

const registryUrl = (host: string): string => `http://${host}:${ports.registry}`;

async function answers(host: string): Promise<boolean> {
  const urls = [
    `http://${host}:${ports.hub}/api/models/longshore/gemma-3-270m-gguf`,
    `${registryUrl(host)}/v2/longshore/gemma/manifests/270m`,
  ];
  const headers = { accept: `application/json, ${manifestType}` };
  const asked = urls.map((url) =>
    fetch(url, { headers, signal: AbortSignal.timeout(2000) }).then(
      (response) => response.ok,
      () => false,
    ),
  );
  return (await Promise.all(asked)).every(Boolean);
}
