/** The hub that the demo pulls from: test/hub as a process of its own, since it has to outlive the command. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  endProcesses,
  findProcesses,
  startComponent,
  waitWhileAlive,
} from '../test/cluster/native/processes.ts';
import { stateOf } from '../test/cluster/native/state.ts';
import { gemma } from '../test/hub/model.ts';

/** What pods call this machine. */
export const hubName = 'hub.longshore.test';
export const hubPort = 18090;
const cdnPort = 18091;
/** Slow enough to be watched: ten seconds for the demo's model. */
const bytesPerSecond = 25_000_000;

const state = stateOf('demo-hub');

/** Listens on the one address that pods use, and not on the networks this machine is on. */
export async function startDemoHub(host: string, say: (line: string) => void): Promise<void> {
  if ((await findProcesses(state)).length > 0 && (await answers(host))) return;
  await endProcesses(state);
  say('fetching the model that the hub will serve: Gemma 3 270M, 253 MB (kept for the next time) ...');
  await gemma();
  const options = [
    '--host',
    host,
    '--port',
    hubPort,
    '--cdn-port',
    cdnPort,
    '--bytes-per-second',
    bytesPerSecond,
  ];
  const program = join(import.meta.dirname, '../test/hub/main.ts');
  const started = await startComponent(state, {
    name: 'hub',
    command: [process.execPath, program, ...options.map(String)],
  });
  await waitWhileAlive([started], 'the hub to answer', async () =>
    (await answers(host)) ? true : undefined,
  );
  say(`a hub answers at http://${host}:${hubPort}.`);
}

export async function stopDemoHub(): Promise<void> {
  await endProcesses(state);
  await rm(state.folder, { recursive: true, force: true });
}

async function answers(host: string): Promise<boolean> {
  const url = `http://${host}:${hubPort}/api/models/longshore/gemma-3-270m-gguf`;
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );
}
